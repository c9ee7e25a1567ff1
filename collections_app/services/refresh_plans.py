"""Plans that were told and are kept: applied as they are, or refused."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from collections_app.domain.refresh_options import RefreshOptions
from collections_app.domain.refresh_plan import Repo, Status
from collections_app.errors import StalePlan
from collections_app.models import Collection, PlanState, RefreshPlan
from collections_app.services.refresh_planning import Prepared
from skillmeat_site.core.errors import NotFound

KEPT = timedelta(days=7)
_COMPARED = ("changes", "old_values", "new_values", "applied")


def store_plan(collection: Collection, options: RefreshOptions, prepared: Prepared) -> str:
    """Keep a plan made at the collection's revision as it was read; its id."""
    plan = RefreshPlan.objects.create(
        collection=collection,
        base_revision=collection.revision,
        base_digest=prepared.reading.digest,
        mode=options.mode.value,
        options=options.to_json(),
        commits=[[repo.url, repo.ref, commit] for repo, commit in prepared.answers.commits().items()],
        details=[one.to_json() for one in prepared.planned],
    )
    return str(plan.pk)


def find_plan(collection: Collection, plan_id: str) -> RefreshPlan:
    """Raises NotFound, also for an id that is none, or another collection's."""
    try:
        return RefreshPlan.objects.get(pk=UUID(plan_id), collection=collection)
    except (ValueError, RefreshPlan.DoesNotExist):
        raise NotFound(f"The collection {collection.slug} has no plan {plan_id[:60]!r}.") from None


def plan_json(plan: RefreshPlan) -> dict[str, Any]:
    return {
        "id": str(plan.pk),
        "collection_id": plan.collection.slug,
        "state": plan.state,
        "base_revision": plan.base_revision,
        "is_stale": plan.state != PlanState.READY or plan.base_revision != plan.collection.revision,
        "mode": plan.mode,
        "options": plan.options,
        "details": plan.details,
        "created_at": plan.created_at,
        "applied_at": plan.applied_at,
    }


def commits_of(plan: RefreshPlan) -> dict[Repo, str]:
    return {Repo(url, ref): commit for url, ref, commit in plan.commits}


def refuse_stale(plan: RefreshPlan, collection: Collection) -> None:
    """Raises StalePlan: the plan was applied, or the collection was changed since. Ask before it is indexed anew."""
    if plan.state != PlanState.READY:
        raise StalePlan("The plan has been applied.")
    if plan.base_revision != collection.revision:
        raise StalePlan("The collection has changed since: preview again.")


def hold_to(plan: RefreshPlan, prepared: Prepared, *, only: Group[str] | None = None) -> None:
    """Let nothing come about but what the plan has told.

    An artifact whose upstream fails now is no other plan: it fails in its row. Neither is one whose upstream failed
    then and is there again: it stays as it was told. ``only``: what is prepared is a part of the plan, of these
    artifacts. Raises StalePlan: the files are others than those that were planned on, or it would come out otherwise.
    """
    if plan.base_digest not in ("", prepared.reading.digest):
        raise StalePlan("The collection's files have changed since: preview again.")
    errors = {_key(row): row for row in plan.details if row["status"] == Status.ERROR}
    away = [(one, errors.get(tuple(one.mine.ref.told))) for one in prepared.changes]
    prepared.settle({one.mine.ref: one.failed(row["code"], row["reason"] or "") for one, row in away if row})
    failed = {tuple(one.mine.ref.told) for one in prepared.planned if one.code and not one.changes}
    told = _changing(row for row in plan.details if only is None or str(row["artifact_id"]) in only)
    now = _changing(one.to_json() for one in prepared.planned)
    if any(now.get(key) != row for key, row in told.items() if key not in failed) or now.keys() - told.keys():
        raise StalePlan("It would come out otherwise now: preview again.")


def close_plan(plan: RefreshPlan) -> None:
    """It was applied. Call it in the transaction that tells so."""
    RefreshPlan.objects.filter(pk=plan.pk).update(state=PlanState.APPLIED.value, applied_at=timezone.now())


def prune_plans(now: datetime) -> int:
    """Drop plans that nobody applied for a week, and those that were. Returns how many."""
    return RefreshPlan.objects.filter(created_at__lt=now - KEPT).delete()[0]


def _changing(details: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    rows = (row for row in details if row["status"] == Status.REFRESHED)
    return {_key(row): {name: row[name] for name in _COMPARED} for row in rows}


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Not its id: one that was added by hand has none before it is indexed."""
    return row["type"], row["name"]
