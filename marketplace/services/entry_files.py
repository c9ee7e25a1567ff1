"""What an entry consists of in its repository, and how that differs from what is imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from collections_app.domain.names import check_relative
from collections_app.models import Artifact
from collections_app.services.homes import home, limits
from collections_app.store.content_ids import EMPTY_TREE
from collections_app.store.content_on_disk import content_of
from collections_app.store.history.differences import Diff, disk_side, file_changes, memory_side
from collections_app.store.history.types import Content, DiffLimits
from collections_app.store.staging import NewFile
from marketplace.errors import CollectionRequired, NotInCommit
from marketplace.models import CatalogEntry
from marketplace.models.entry import Presence
from marketplace.services.contents import Outline, Tree, read_outlines
from marketplace.services.upstreams import address_of, provider_of
from skillmeat_site.core.errors import DomainError, NotFound
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.object_ids import blob_oid
from skillmeat_site.upstream.types import CommitOid, FileMode, Head, Provider, RepositoryAddress

MAX_LINES = 5_000
"""So many lines of differences are told in one answer; of files beyond it only that they differ."""


@dataclass(frozen=True, slots=True)
class OpenedEntry:
    """An entry's artifact at the commit of the last scan, and who reads it."""

    provider: Provider
    address: RepositoryAddress
    head: Head
    outline: Outline

    def files(self, report: Report) -> tuple[NewFile, ...]:
        ((_, files),) = read_outlines(self.provider, self.address, self.head, [self.outline], report)
        if isinstance(files, DomainError):
            raise files
        return files


def entry_files(entry: CatalogEntry, report: Report) -> dict[str, Any]:
    """The files of an entry at the commit of the last scan: path, mode, id, and size where it is known.

    Raises NotInCommit for what is gone, NotImportable, LimitExceeded, UpstreamError by kind.
    """
    upstream = open_entry(entry, report)
    name = (entry.file or entry.path).rpartition("/")[2]
    parts = upstream.outline.parts
    files = [
        {"path": part.path or name, "mode": part.mode.value, "oid": part.oid, "size": part.size} for part in parts
    ]
    return {
        "entry_id": entry.pk,
        "commit": str(upstream.head.commit),
        "content_oid": upstream.outline.oid,
        "inline": upstream.outline.inline,
        "count": len(files),
        "results": files,
    }


def entry_diff(entry: CatalogEntry, report: Report, *, collection: str = "") -> dict[str, Any]:
    """From what lies in a collection to what the repository has, file by file; lines within bounds.

    Raises NotFound where the entry is not imported (there), CollectionRequired where it is in several collections,
    what reading the files on disk raises, and as ``entry_files``.
    """
    artifact = _artifact_of(entry, collection)
    place = home().collection(artifact.collection.slug).joinpath(*check_relative(artifact.path))
    old_oid, old = _on_disk(place)
    upstream = open_entry(entry, report)
    new = {file.path or place.name: file for file in upstream.files(report)}
    data = {path: file.data for path, file in new.items()}
    contents = {path: Content(FileMode(file.mode.value), blob_oid(file.data)) for path, file in new.items()}
    diff = Diff(file_changes(old, contents), disk_side(place if place.is_dir() else place.parent), memory_side(data))
    return {
        "entry_id": entry.pk,
        "artifact_id": str(artifact.pk),
        "collection": artifact.collection.slug,
        "name": artifact.name,
        "old_oid": old_oid,
        "new_oid": upstream.outline.oid,
        "identical": not diff.changes,
        "count": len(diff.changes),
        "results": list(_rows(diff)),
    }


def open_entry(entry: CatalogEntry, report: Report) -> OpenedEntry:
    """Find an entry's artifact in its repository. Raises as ``entry_files``."""
    if entry.presence != Presence.PRESENT:
        raise NotInCommit("It is no longer in the repository.")
    source = entry.source
    address, provider = address_of(source), provider_of(source)
    head = Head(CommitOid(source.head_commit), source.resolved_ref)
    listing = provider.listing(address, head, tick=report.tick)
    return OpenedEntry(provider, address, head, Tree(listing).outline(entry, same=True))


def _artifact_of(entry: CatalogEntry, collection: str) -> Artifact:
    links = entry.imports.select_related("artifact__collection").order_by("-pk")
    by_slug: dict[str, Artifact] = {}
    for link in links:
        by_slug.setdefault(link.artifact.collection.slug, link.artifact)
    if collection and collection not in by_slug:
        raise NotFound(f"It is not imported into {collection[:100]!r}.")
    if not by_slug:
        raise NotFound("It is not imported.")
    if not collection and len(by_slug) > 1:
        raise CollectionRequired(f"It is imported into {', '.join(sorted(by_slug))}: say which.")
    return by_slug[collection or next(iter(by_slug))]


def _on_disk(place: Path) -> tuple[str | None, dict[str, Content]]:
    try:
        content = content_of(place, limits=limits())
    except NotFound:
        return None, {}
    files = {file.path or place.name: Content(FileMode(file.mode.value), file.oid) for file in content.files}
    return (None if content.oid == EMPTY_TREE else content.oid), files


def _rows(diff: Diff) -> Iterator[dict[str, Any]]:
    left = MAX_LINES
    for change in diff.changes:
        told = diff.lines(change, DiffLimits(max_lines=left))
        left = max(0, left - sum(len(hunk.lines) for hunk in told.hunks))
        yield {
            "path": change.path,
            "status": change.status.value,
            "old_oid": change.old.oid if change.old else None,
            "new_oid": change.new.oid if change.new else None,
            "kind": told.kind.value,
            "hunks": [asdict(hunk) for hunk in told.hunks if hunk.lines],
            "truncated": told.truncated,
        }
