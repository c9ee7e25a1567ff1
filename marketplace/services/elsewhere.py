"""Content that is not only in this source: in another one, or in a collection that has it from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef

from collections_app.models import Artifact
from marketplace.models import CatalogEntry, EntryImport, Source


def count_elsewhere(source: Source, contents: Sequence[tuple[str, str]]) -> int:
    """How many of these (type, content id) an enabled source with a lower id has as well, or were imported elsewhere.

    Elsewhere: as the base of an artifact that no entry of this source is linked to. Two statements, none for nothing.
    """
    if not contents:
        return 0
    known = _in_older_sources(source, contents) | _in_collections(source, contents)
    return sum(content in known for content in contents)


def _in_older_sources(source: Source, contents: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    found = CatalogEntry.objects.filter(
        content_oid__among=[oid for _, oid in contents],
        presence="present",
        source__enabled=True,
        source_id__lt=source.pk,
    )
    return set(found.order_by().values_list("type", "content_oid").distinct())


def _in_collections(source: Source, contents: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    from_here = EntryImport.objects.filter(artifact=OuterRef("pk"), entry__source=source)
    found = Artifact.objects.filter(~Exists(from_here), base_oid__among=[oid for _, oid in contents])
    return set(found.order_by().values_list("type", "base_oid").distinct())
