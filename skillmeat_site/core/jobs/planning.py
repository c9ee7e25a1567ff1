"""Working out as a job what another job would do: its dry run, whose rows are kept as this job's items.

For plans that ask repositories or read disks, which no page can wait for (docs/adr/0028).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skillmeat_site.core.jobs import registry
from skillmeat_site.core.jobs.context import DryRunContext, JobContext
from skillmeat_site.core.jobs.registry import Params, job
from skillmeat_site.core.results import Itemised, ItemOutcome, JobStatus, ObjectRef, Result, Row, Summary


class PlanContext(DryRunContext):
    """A dry run inside a job: nothing is kept of it, but its progress and its life are the job's."""

    def __init__(self, outer: JobContext) -> None:
        super().__init__(outer.actor)
        self._outer = outer

    def tick(self) -> None:
        super().tick()
        self._outer.tick()

    def progress(self, done: int, total: int, label: str = "") -> None:
        self._outer.progress(done, total, label)
        self.tick()


@dataclass(frozen=True, slots=True)
class Planned:
    """What a job would come to, row by row. That rows would fail is no failure of the plan."""

    rows: tuple[Row, ...]

    job_status = JobStatus.SUCCEEDED
    item_outcome = ItemOutcome.UNCHANGED
    code = ""

    @property
    def summary(self) -> Summary:
        return Summary.of(row.outcome for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        return {"summary": self.summary.to_json(), "dry_run": True}


def rows_of(kind: str, params: Mapping[str, Any], result: Result) -> tuple[Row, ...]:
    """The rows of any job's result; one that has none of its own is one row about the job's object."""
    if isinstance(result, Itemised):
        return tuple(result.rows)
    definition = registry.get(kind)
    target = definition.target(params) if definition.target else None
    ref = target or ObjectRef("job", kind, definition.name(params, None))
    return (Row(ref, result.item_outcome, result.code, detail=result.to_json()),)


def _label(params: Params) -> str:
    definition = registry.get(params["kind"])
    target = definition.target(params["params"]) if definition.target else None
    return f"Plan: {definition.name(params['params'], target)}"


@job(
    "core.plan",
    label=_label,
    queue="long",
    timeout=1800,
    size=lambda params: registry.get(params["kind"]).size(params["params"]),
    permission=lambda params: registry.get(params["kind"]).needs(params["params"]),
)
def plan(ctx: Any, kind: str, params: Mapping[str, Any], dry_run: bool = False) -> Planned:
    """Writes nothing but its own items. It takes leases only where the dry run itself takes them."""
    result = registry.get(kind).function(PlanContext(ctx), **params, dry_run=True)
    return Planned(rows_of(kind, params, result))
