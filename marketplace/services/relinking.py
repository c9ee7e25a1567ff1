"""Linking artifacts with their entries again, whose rows were gone: the files still say where each came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from collections_app.domain.types import Origin
from collections_app.followers import follows_index
from collections_app.models import Artifact
from marketplace.models import CatalogEntry, EntryImport
from skillmeat_site.core.bulk import insert_rows

_LINK = ("entry_id", "artifact_id", "imported_oid", "imported_commit", "job_id", "imported_at")


@follows_index
def relink(ids: Sequence[UUID]) -> int:
    """Link those of the artifacts that were imported and have no link; how many. Three statements.

    The entry is the one at the place that the artifact's record names, or that was there before it moved. Where
    several are (a file that declares several hooks), the one of the same branch, content and name. Call it in the
    transaction that wrote the rows.
    """
    unlinked = Artifact.objects.filter(pk__among=list(ids), origin=Origin.MARKETPLACE, entry_imports__isnull=True)
    artifacts = [row for row in unlinked.order_by("pk") if row.upstream_url and row.upstream_path]
    if not artifacts:
        return 0
    paths = sorted({row.upstream_path for row in artifacts})
    entries = CatalogEntry.objects.filter(
        Q(path__among=paths) | Q(moved_from__among=paths),
        source__url__among=sorted({row.upstream_url for row in artifacts}),
    )
    places: dict[tuple[str, str, str], list[CatalogEntry]] = {}
    for entry in entries.select_related("source").only(*_READ).order_by("pk"):
        for path in dict.fromkeys((entry.path, entry.moved_from)):
            places.setdefault((entry.source.url, entry.type, path), []).append(entry)
    now = timezone.now()
    rows = [
        {
            "entry_id": _best(places[place], row).pk,
            "artifact_id": row.pk,
            "imported_oid": row.base_oid,
            "imported_commit": row.base_commit,
            "job_id": None,
            "imported_at": now,
        }
        for row in artifacts
        if (place := (row.upstream_url, row.type, row.upstream_path)) in places
    ]
    return insert_rows(EntryImport, rows, _LINK) if rows else 0


_READ = ("type", "path", "moved_from", "name", "content_oid", "source__url", "source__ref")


def _best(entries: Iterable[CatalogEntry], artifact: Artifact) -> CatalogEntry:
    def fits(entry: CatalogEntry) -> tuple[bool, ...]:
        return (
            entry.path == artifact.upstream_path,
            entry.source.ref == artifact.upstream_ref,
            entry.content_oid == artifact.base_oid,
            entry.name == artifact.name,
        )

    return max(entries, key=fits)
