"""A person's decisions on the tags that repositories suggest. The one door to their status."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from marketplace.domain.path_tags import normalize, tag_of
from marketplace.models import Source, SourceTag
from marketplace.models.tag import TagKind, TagStatus
from marketplace.services.sources import not_found_row, source_ref
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import FieldProblem, InvalidParameter, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row

_ACTIONS = {
    TagStatus.APPROVED: "tags.approved",
    TagStatus.REJECTED: "tags.rejected",
    TagStatus.PENDING: "tags.reopened",
}


def decide_tag(source: Source, kind: TagKind, value: str, status: str, *, actor: Actor) -> SourceTag:
    """Approve or reject a suggested tag of a source, or take a decision back (``pending``).

    ``value`` in any spelling of it. Idempotent: a tag that is as wanted is not written and leaves no event. A tag that
    is gone may be decided on; the decision holds when it comes back. Locks the source, then the tag.
    Raises InvalidParameter for another status, NotFound for a tag that the source never had.
    """
    wanted = _status(status)
    with transaction.atomic():
        _lock_sources([source.pk])
        tags = SourceTag.objects.select_for_update().filter(source=source, kind=kind)
        tag = tags.filter(normalized=_normalized(kind, value)).first()
        if tag is None:
            raise NotFound(f"Source {source.pk} has no {kind.value} tag {value[:100]!r}.")
        if tag.status != wanted:
            _write([tag], wanted, actor)
            tag.refresh_from_db()
    return tag


def decide_tags(ids: Sequence[int], *, status: str, actor: Actor, dry_run: bool = False) -> BulkResult:
    """The same for many tags of many sources, by id, each row settling by itself: a constant number of statements."""
    wanted = _status(status)
    with transaction.atomic():
        _lock_sources(SourceTag.objects.filter(pk__among=list(ids)).values_list("source_id", flat=True))
        chosen = SourceTag.objects.filter(pk__among=list(ids)).select_for_update(of=("self",)).select_related("source")
        tags = {tag.pk: tag for tag in chosen.order_by("pk")}
        rows = [_row(tags[pk], wanted) if pk in tags else not_found_row("tag", pk) for pk in dict.fromkeys(ids)]
        changed = [tag for tag in tags.values() if tag.status != wanted]
        if changed and not dry_run:
            _write(changed, wanted, actor)
    return BulkResult(tuple(rows), dry_run=dry_run)


def approve_waiting(source_ids: Sequence[int], *, actor: Actor, dry_run: bool = False) -> BulkResult:
    """Approve all pending tags of these sources that their repositories still have; one row for each source.

    A row's detail has the ids of the tags: ``tags``.
    """
    with transaction.atomic():
        _lock_sources(source_ids)
        known = Source.objects.in_bulk(list(source_ids))
        waiting = SourceTag.objects.waiting().filter(source__pk__among=list(known)).select_for_update(of=("self",))
        tags = list(waiting.order_by("pk"))
        by_source: dict[int, list[int]] = {}
        for tag in tags:
            by_source.setdefault(tag.source_id, []).append(tag.pk)
        rows = []
        for pk in dict.fromkeys(source_ids):
            if pk not in known:
                rows.append(not_found_row("source", pk))
                continue
            found = by_source.get(pk, [])
            outcome = ItemOutcome.UPDATED if found else ItemOutcome.UNCHANGED
            rows.append(Row(source_ref(known[pk]), outcome, detail={"tags": found}))
        if tags and not dry_run:
            _write(tags, TagStatus.APPROVED, actor)
    return BulkResult(tuple(rows), dry_run=dry_run)


def _lock_sources(ids: Iterable[int]) -> None:
    """As a scan does before it writes tags: who locks in the same order never waits in a circle."""
    wanted = sorted(set(ids))
    list(Source.objects.select_for_update().filter(pk__among=wanted).order_by("pk").values_list("pk"))


def _write(tags: Sequence[SourceTag], status: TagStatus, actor: Actor) -> None:
    now = timezone.now()
    decided = status is not TagStatus.PENDING
    SourceTag.objects.filter(pk__among=[tag.pk for tag in tags]).update(
        status=status, decided_at=now if decided else None, decided_by=actor.user_id if decided else None
    )
    # The tags are shown with their source: its ETag has to change with them.
    Source.objects.filter(pk__among=sorted({tag.source_id for tag in tags})).update(updated_at=now)
    first = tags[0]
    AuditEvent.record(
        actor, _ACTIONS[status], first, ids=[tag.pk for tag in tags], source_id=first.source_id, value=first.normalized
    )


def _row(tag: SourceTag, wanted: TagStatus) -> Row:
    outcome = ItemOutcome.UNCHANGED if tag.status == wanted else ItemOutcome.UPDATED
    return Row(ObjectRef("tag", str(tag.pk), f"{tag.source} {tag}"), outcome)


def _normalized(kind: TagKind, value: str) -> str:
    if kind is TagKind.TOPIC:
        return normalize(value)
    tag = tag_of(value)
    return tag.normalized if tag else ""


def _status(status: str) -> TagStatus:
    known = [each.value for each in TagStatus]
    if status in known:
        return TagStatus(status)
    near = difflib.get_close_matches(status, known, 1)
    detail = f"{status[:50]!r} is not one of {', '.join(known)}" + (f"; did you mean {near[0]!r}?" if near else "")
    raise InvalidParameter(f"status: {detail}", errors=(FieldProblem("/status", "invalid_choice", detail),))
