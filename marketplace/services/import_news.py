"""What a scan means to what was imported from its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from collections_app.services.upstream_news import UpstreamNews, note_upstream
from marketplace.domain.scan_plan import ScanPlan
from marketplace.errors import NotInCommit
from marketplace.models import EntryImport, Source


class ImportNews(NamedTuple):
    """One import of an entry that changed, came back, or is gone (``oid`` empty). ``ref``: what the import follows."""

    entry_id: int
    artifact_id: UUID
    base_oid: str
    ref: str
    oid: str
    commit: str


def import_news(plan: ScanPlan, commit: str) -> list[ImportNews]:
    """The imports that the plan concerns: one statement, none where nothing changed, came back or went."""
    changed = [*plan.returned, *(change for change in plan.updated if change.content_changed)]
    found = {change.known.pk: plan.found[change.key].content_oid for change in changed}
    now = {pk: oid for pk, oid in found.items() if oid}  # a truncated listing does not tell all ids
    now |= {known.pk: "" for known in plan.removed}
    if not now:
        return []
    links = EntryImport.objects.filter(entry__pk__among=list(now)).order_by("entry_id", "pk")
    columns = ("entry_id", "artifact_id", "artifact__base_oid", "artifact__upstream_ref")
    return [
        ImportNews(entry_id, artifact_id, base, ref, now[entry_id], commit)
        for entry_id, artifact_id, base, ref in links.values_list(*columns)
    ]


def updated_imports(news: Sequence[ImportNews]) -> list[int]:
    """The entries whose imported content is another now, once each."""
    return list(dict.fromkeys(item.entry_id for item in news if item.oid and item.oid != item.base_oid))


def tell_imports(source: Source, news: Sequence[ImportNews]) -> None:
    """Tell the artifacts what upstream has now; those that follow another ref than the source hear nothing of it.

    At most two statements. Runs in the scan's transaction.
    """
    note_upstream(
        [
            UpstreamNews(item.artifact_id, item.oid, item.commit, "" if item.oid else NotInCommit.code)
            for item in news
            if item.ref == source.ref
        ]
    )
