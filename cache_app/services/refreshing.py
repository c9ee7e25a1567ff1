"""Reads projects from their disks and keeps what they said."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cache_app.domain.readings import UNMANAGED, Change, Item, count, diff
from cache_app.models import ProjectState, ReadStatus
from cache_app.querysets import stale_projects
from cache_app.services.results import RefreshResult, Unreadable, object_ref, shown_path
from cache_app.services.states import STOPS, ttl, write_states
from collections_app.models import Project
from collections_app.services.project_reading import BATCH, ProjectReading, read_projects
from collections_app.services.projects import sync_rows
from skillmeat_site.core.actor import COMMAND_LINE, Actor
from skillmeat_site.core.errors import DomainError, NotFound, result_code
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report, SilentReport
from skillmeat_site.core.results import ItemOutcome, Row

log = structlog.get_logger(__name__)

FRESH = result_code("fresh", hint="`force`, to read it all the same.")
"""The code of a project that was asked for by name and whose reading still holds."""
_READ = ("status", "error_code", "error_detail", "fetched_at", "checked_at", "fingerprint", "device",
         "artifacts", "counts")  # fmt: skip
_UNREAD = ("status", "error_code", "error_detail", "checked_at")


@dataclass(frozen=True, slots=True)
class RefreshJob:
    """How the project cache is kept current: every ``interval_hours``, ``max_concurrent`` projects read at once."""

    interval_hours: float = 6.0
    max_concurrent: int = 3

    @classmethod
    def configured(cls) -> RefreshJob:
        return cls(settings.SKILLMEAT_REFRESH_INTERVAL_HOURS, settings.SKILLMEAT_REFRESH_MAX_CONCURRENT)

    @property
    def ahead(self) -> timedelta:
        """A scheduled refresh takes up what would be stale before the next one: else it came too late each time."""
        return timedelta(hours=self.interval_hours)

    def due(self, *, force: bool = False, ahead: bool = False) -> list[Project]:
        """The projects that a refresh of all would read."""
        if force:
            return list(Project.objects.order_by("pk"))
        return list(stale_projects(timezone.now(), ttl(), ahead=self.ahead if ahead else timedelta()))

    def refresh_all(
        self,
        force: bool = False,
        *,
        ahead: bool = False,
        actor: Actor = COMMAND_LINE,
        report: Report | None = None,
        job_id: Any = None,
        dry_run: bool = False,
    ) -> RefreshResult:
        """Read every project whose reading no longer holds, with ``force`` all. Each project's error is its own."""
        run = _Run(self, actor, report or SilentReport(), job_id, dry_run)
        return run.of(self.due(force=force, ahead=ahead))

    def refresh_project(self, project_id: int, force: bool = False, **options: Any) -> RefreshResult:
        """As ``refresh_projects`` of one. Raises NotFound."""
        if not Project.objects.filter(pk=project_id).exists():
            raise NotFound(f"There is no project {project_id}.")
        return self.refresh_projects([project_id], force, **options)

    def refresh_projects(
        self,
        ids: Sequence[int],
        force: bool = False,
        *,
        actor: Actor = COMMAND_LINE,
        report: Report | None = None,
        job_id: Any = None,
        dry_run: bool = False,
    ) -> RefreshResult:
        """Read these projects, unless their reading holds (skipped, code ``fresh``); an unknown id is an error."""
        known = Project.objects.in_bulk(list(ids))
        stale = set(ids) if force else set(stale_projects(timezone.now(), ttl()).values_list("pk", flat=True))
        run = _Run(self, actor, report or SilentReport(), job_id, dry_run)
        for pk in dict.fromkeys(ids):
            if pk not in known:
                run.failed(Unreadable(pk, "", NotFound(f"There is no project {pk}.")))
            elif pk not in stale:
                run.rows.append(Row(_ref(known[pk]), ItemOutcome.SKIPPED, FRESH))
        return run.of([known[pk] for pk in dict.fromkeys(ids) if pk in known and pk in stale])


def named_project(word: str | int) -> Project:
    """The registered project of an id or a path, be its folder there or not. Raises NotFound."""
    text = str(word)
    rows = Project.objects.all()
    found = None
    if text.isdecimal() and len(text) < 19:
        found = rows.filter(pk=int(text)).first()
    elif text and "\x00" not in text:
        path = os.path.abspath(os.path.expanduser(text))
        found = rows.filter(path=path).first() or rows.filter(path=os.path.realpath(path)).first()
    if found is None:
        raise NotFound(f"There is no project {text[:200]!a}.")
    return found


@dataclass(slots=True)
class _Run:
    """One refresh, and what it has come to so far."""

    job: RefreshJob
    actor: Actor
    report: Report
    job_id: Any
    dry_run: bool
    refreshed: int = 0
    changes: list[Change] = field(default_factory=list)
    errors: list[Unreadable] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def of(self, projects: Sequence[Project]) -> RefreshResult:
        began = time.perf_counter()
        log.info("cache.refresh_started", projects=len(projects), dry_run=self.dry_run)
        done, at = 0, timezone.now()
        for batch in read_projects(projects, concurrency=self.job.max_concurrent, tick=self.report.tick, batch=BATCH):
            self._settle(batch, at)
            done, at = done + len(batch), timezone.now()
            self.report.progress(done, len(projects), batch[-1].project.name)
        seconds = round(time.perf_counter() - began, 3)
        result = RefreshResult(
            self.refreshed, tuple(self.changes), tuple(self.errors), tuple(self.rows), seconds, self.dry_run
        )
        log.info("cache.refresh_completed", refreshed=self.refreshed, changes=len(self.changes),
                 errors=len(self.errors), duration_seconds=seconds)  # fmt: skip
        return result

    def failed(self, unreadable: Unreadable) -> None:
        log.warning("cache.refresh_error", project=unreadable.project, code=unreadable.error.code)
        self.errors.append(unreadable)
        self.rows.append(unreadable.row)

    def _settle(self, batch: Iterable[ProjectReading], at: datetime) -> None:
        """``at``: a moment before the batch was read."""
        readings = list(batch)
        before = ProjectState.objects.in_bulk([reading.project.pk for reading in readings])
        read, unread, changes = [], [], {}
        for reading in readings:
            project = reading.project
            if reading.error is not None:
                self.failed(Unreadable(project.pk, project.path, reading.error))
                unread.append(_unread(reading, at))
                continue
            items = _items(reading)
            found = diff(project.pk, _known(before.get(project.pk)), items)
            if found:
                changes[project.pk] = found
                self.changes.extend(found)
            self.refreshed += 1
            self.rows.append(_row(project, found))
            read.append(_state(reading, items, at))
        if not self.dry_run:
            self._write(readings, read, unread, changes)

    def _write(
        self,
        readings: Iterable[ProjectReading],
        read: Sequence[ProjectState],
        unread: Sequence[ProjectState],
        changes: Mapping[int, Sequence[Change]],
    ) -> None:
        for reading in readings:
            if not reading.rows_agree:
                self._sync(reading.project)
        with transaction.atomic():
            there = write_states(read, _READ) | write_states(unread, _UNREAD)
            for reading in readings:
                found = changes.get(reading.project.pk)
                if found and reading.project.pk in there:
                    told = [change.to_json() for change in found]
                    AuditEvent.record(self.actor, "project.changed", reading.project, job_id=self.job_id, changes=told)

    def _sync(self, project: Project) -> None:
        """A project that was forgotten, moved or taken meanwhile is up to the next refresh."""
        try:
            sync_rows(project, self.report)
        except STOPS:
            raise
        except DomainError as error:
            log.info("cache.rows_not_synced", project=project.pk, code=error.code)


def _ref(project: Project) -> Any:
    return object_ref(project.pk, project.path)


def _row(project: Project, changes: Sequence[Change]) -> Row:
    outcome = ItemOutcome.UPDATED if changes else ItemOutcome.UNCHANGED
    told = [change.to_json() for change in changes]
    return Row(_ref(project), outcome, detail={"path": project.path, "changes": told})


def _known(state: ProjectState | None) -> list[Item]:
    """What the last reading said. A row of another version's says nothing: all of it is new."""
    try:
        return [Item.of(row) for row in state.artifacts] if state is not None else []
    except TypeError:
        return []


def _items(reading: ProjectReading) -> list[Item]:
    items = [
        Item(
            profile=one.known.deployed.profile.value,
            type=one.known.deployed.kind.value,
            name=shown_path(one.known.deployed.name),
            target=shown_path(one.known.deployed.project_path),
            state=one.state.value,
            content_oid=shown_path(one.known.deployed.content_oid or "") or None,
            project_oid=one.disk_oid,
            collection=shown_path(one.known.deployed.collection),
        )
        for one in reading.deployed
    ]
    items += [
        Item(
            one.profile.value,
            one.kind.value,
            shown_path(one.name),
            shown_path(one.path),
            UNMANAGED,
            project_oid=one.oid,
        )
        for one in reading.loose
    ]
    return items


def _state(reading: ProjectReading, items: Sequence[Item], at: datetime) -> ProjectState:
    return ProjectState(
        project=reading.project,
        status=ReadStatus.OK,
        fetched_at=at,
        checked_at=at,
        fingerprint=reading.fingerprint,
        device=reading.device,
        artifacts=[item.to_json() for item in items],
        counts=count(items),
    )


def _unread(reading: ProjectReading, at: datetime) -> ProjectState:
    error = reading.error
    return ProjectState(
        project=reading.project,
        status=ReadStatus.ERROR,
        error_code=error.code if error else "",
        error_detail=error.detail if error else "",
        checked_at=at,
    )
