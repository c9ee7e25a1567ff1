"""What a running job's function gets: who asked, how to report, how to hand out children."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, JobTimeout
from skillmeat_site.core.jobs import settling, states
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.jobs.trail import Trail
from skillmeat_site.core.models import Job
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import ObjectRef, Row, Trigger

PROGRESS_SECONDS = 1.0

Watch = Callable[[int, int, str], None]
"""Sees progress as it happens, in the same process: (done, total, label)."""


def unwatched(done: int, total: int, label: str) -> None:
    """Nobody looks."""


@dataclass(frozen=True, slots=True)
class Target:
    """One child of a bulk job: the object it is about, and the child's params."""

    object: ObjectRef
    params: Mapping[str, Any]


class DryRunContext(SilentReport):
    """Stands where a JobContext would when nothing is to be written: no job row, no items, no children."""

    job_id: uuid.UUID | None = None
    dry_run = True

    def __init__(self, actor: Actor) -> None:
        super().__init__()
        self.actor = actor

    def add_rows(self, rows: Sequence[Row]) -> None:
        """There is no job to keep them."""

    def expect(self, objects: Sequence[ObjectRef]) -> None:
        """There is no job whose items they were."""

    def keep_rows(self, rows: Sequence[Row]) -> None:
        """There is no job to keep them."""

    def settled_or_begun(self) -> set[str]:
        """There was no attempt before."""
        return set()

    def settled_rows(self) -> tuple[Row, ...]:
        """There was no attempt before."""
        return ()


class JobContext(SilentReport):
    """Reports of one attempt. ``tick`` beats the job's heart, renews leases, and stops the work when it must stop."""

    dry_run = False

    def __init__(
        self,
        job: Job,
        token: uuid.UUID,
        timeout: int,
        children: Callable[..., Any],
        watch: Watch = unwatched,
        outer: JobContext | None = None,
    ) -> None:
        super().__init__()
        self.watch = watch
        self._outer = outer
        self.job = job
        self.job_id: uuid.UUID | None = job.pk
        self.token = token
        self.actor = Actor(Trigger(job.trigger), job.actor_id, job.actor.get_username() if job.actor else "")
        self._children = children
        self._deadline = time.monotonic() + timeout
        self._beaten = time.monotonic()
        self._pending: dict[str, Any] = {}
        self._trail = Trail(job.trail, job.attempt)

    def tick(self) -> None:
        if time.monotonic() > self._deadline:
            raise JobTimeout
        self.pulse()

    def pulse(self) -> None:
        """Show life, for this job and for the one that runs it inside itself. Raises Cancelled or LeaseLost."""
        super().tick()
        if self._outer is not None:
            self._outer.pulse()
        now = time.monotonic()
        due = PROGRESS_SECONDS if self._pending else states.HEARTBEAT_SECONDS
        if now - self._beaten >= due:
            self._beat()

    def progress(self, done: int, total: int, label: str = "") -> None:
        self.watch(done, total, label)
        self._pending = {"done": done, "total": total, "progress_label": label[:200]}
        self.tick()

    def checkpoint(self) -> None:
        """Like ``tick``, but looks at once: raises Cancelled between two items of a batch."""
        if self._outer is not None:
            self._outer.checkpoint()
        self._beat()

    def close(self) -> None:
        """Let nobody join the job any more: who wants the same from now on gets another one. Raises LeaseLost."""
        states.release_key(self.job.pk, self.token)

    def fan_out(self, definition: JobDefinition, targets: Sequence[Target]) -> Any:
        """Run ``definition`` once per target: one by one here if the job is inline, else as queued children.

        Returns what the bulk function has to return.
        """
        return self._children(self, definition, targets)

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Keep the outcome of some objects of a bulk job, before the rest is handed out."""
        settling.add_rows(self.job, rows)

    def expect(self, objects: Sequence[ObjectRef]) -> None:
        """Make these objects the job's items before they are dealt with, where it has no children."""
        settling.expect(self.job, objects)

    def keep_rows(self, rows: Sequence[Row]) -> None:
        """Keep the outcome of objects that have settled, so that it stands however the job ends."""
        settling.keep_rows(self.job, rows)

    def settled_or_begun(self) -> set[str]:
        """Ids of the objects that an earlier attempt has dealt with."""
        return settling.settled_or_begun(self.job)

    def settled_rows(self) -> tuple[Row, ...]:
        """What an earlier attempt has kept."""
        return settling.rows_of(self.job)

    def _beat(self) -> None:
        progress, self._pending = self._pending, {}
        self._beaten = time.monotonic()
        if self._trail.add(progress.get("progress_label", "")):
            progress["trail"] = self._trail.lines
        if states.beat(self.job.pk, self.token, **progress):
            raise Cancelled
