"""Brings a source's suggested tags up to what its repository has. The only writer of what was found of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from marketplace.domain.path_tags import MAX_PER_SOURCE, FoundTag, collect_tags, within_bound
from marketplace.domain.scan_plan import ScanPlan
from marketplace.models import Source, SourceTag
from marketplace.models.tag import TagKind, TagStatus
from skillmeat_site.core.bulk import insert_rows, update_rows

_FOUND = ("value", "last_seen_at", "gone_at")
_INSERTED = ("source_id", "kind", "normalized", *_FOUND, "status", "decided_at", "decided_by_id")
_UNDECIDED = {"status": TagStatus.PENDING.value, "decided_at": None, "decided_by_id": None}


@dataclass(frozen=True, slots=True)
class TagChanges:
    """What a sync did. ``updated``: came back, or is spelt otherwise; a tag that came back counts as nothing else."""

    found: int = 0
    added: int = 0
    updated: int = 0
    gone: int = 0


def path_tags_of(source: Source, plan: ScanPlan) -> dict[str, FoundTag]:
    """The path tags of all entries that are there after ``plan``; held removals are there still."""
    paths = [*(artifact.path for artifact in plan.found.values()), *(entry.path for entry in plan.held)]
    return collect_tags(paths, source.root_hint)


def sync_tags(
    source: Source, kind: TagKind, found: Mapping[str, FoundTag], *, complete: bool, now: datetime
) -> TagChanges:
    """Add new tags as pending, mark what is gone, take back what came back; decisions are not touched.

    Call it inside the transaction that writes what the tags come from. At most five statements, however many tags.
    ``complete``: what is not in ``found`` is gone; else nothing proves an absence.
    """
    known = {
        normalized: (pk, value, gone_at)
        for pk, normalized, value, gone_at in SourceTag.objects.filter(source=source, kind=kind).values_list(
            "pk", "normalized", "value", "gone_at"
        )
    }
    kept = within_bound(found, known)
    seen = [(known[tag.normalized], tag) for tag in kept.values() if tag.normalized in known]
    new = [tag for tag in kept.values() if tag.normalized not in known]
    gone = [pk for name, (pk, _, gone_at) in known.items() if complete and gone_at is None and name not in found]
    if seen:
        rows = [{"pk": pk, "value": tag.value, "last_seen_at": now, "gone_at": None} for (pk, _, _), tag in seen]
        update_rows(SourceTag, rows, _FOUND)
    if len(known) + len(new) > MAX_PER_SOURCE:
        _forget(source, kind)
    if new:
        fixed = {"source_id": source.pk, "kind": kind.value, "last_seen_at": now, "gone_at": None, **_UNDECIDED}
        rows = [{**fixed, "value": tag.value, "normalized": tag.normalized} for tag in new]
        insert_rows(SourceTag, rows, _INSERTED, ignore_conflicts=True)
    if gone:
        SourceTag.objects.filter(pk__among=gone).update(gone_at=now)
    changed = sum(gone_at is not None or value != tag.value for (_, value, gone_at), tag in seen)
    return TagChanges(found=len(kept), added=len(new), updated=changed, gone=len(gone))


def _forget(source: Source, kind: TagKind) -> None:
    """Make room: what was gone before and nobody ever decided on says nothing any more."""
    SourceTag.objects.filter(source=source, kind=kind, gone_at__isnull=False, status=TagStatus.PENDING).delete()
