"""Jobs made for one test, a worker in this process, and rows whose clock was turned back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from skillmeat_site.core.jobs import queue, registry, runner, states
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import ItemOutcome, JobStatus, ObjectRef


@dataclass(frozen=True)
class Done:
    """The result of a job that a test made."""

    said: str = "done"
    job_status: JobStatus = JobStatus.SUCCEEDED
    item_outcome: ItemOutcome = ItemOutcome.UPDATED
    code: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"said": self.said}


class Killed(BaseException):
    """Nothing catches it: the row of the job stays as a worker leaves it that is gone."""


@dataclass
class Calls:
    """A job's function that remembers its calls: it answers ``Done``, raises what it is given, or calls it."""

    then: Any = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def __call__(self, ctx: Any, **params: Any) -> Any:
        self.seen.append(params)
        self.contexts.append(ctx)
        if isinstance(self.then, BaseException):
            raise self.then
        return self.then(ctx, **params) if callable(self.then) else Done()


@pytest.fixture
def define() -> Iterator[Callable[..., JobDefinition]]:
    """Declare a job for the length of a test: ``define(function, kind="test.job", **options)``."""
    kinds: list[str] = []

    def make(function: Any = None, kind: str = "test.job", label: Any = "A test", **options: Any) -> JobDefinition:
        definition = registry.job(kind, label=label, **options)(function or Calls())
        kinds.append(kind)
        return definition

    yield make
    for kind in kinds:
        registry._registry.pop(kind)


@pytest.fixture
def worker() -> Callable[[], list[str]]:
    """A worker in this process: delivers what waits in the queue's table, until nothing does; tells the ids."""

    def work() -> list[str]:
        delivered = []
        while message := OrmQ.objects.order_by("pk").first():
            task = SignedPackage.loads(message.payload)
            assert task["func"] == queue.DELIVER
            message.delete()
            delivered.append(task["args"][0])
            runner.deliver(*task["args"])
        return delivered

    return work


def messages() -> list[str]:
    """The ids of the jobs whose message waits."""
    return [SignedPackage.loads(row.payload)["args"][0] for row in OrmQ.objects.order_by("pk")]


def lose_messages() -> None:
    """What a broker does that was restarted without its memory."""
    OrmQ.objects.all().delete()


def age(job: Job, seconds: float = states.STALE_SECONDS + 60, *, column: str = "heartbeat_at") -> None:
    """Turn a job's clock back: its heart has not beaten (or its message was sent) so long ago."""
    Job.objects.filter(pk=job.pk).update(**{column: timezone.now() - timedelta(seconds=seconds)})


def target_of(params: Any) -> ObjectRef:
    """For ``define(target=…)``: a job about the thing ``n``."""
    return ObjectRef("thing", str(params["n"]), f"thing {params['n']}")
