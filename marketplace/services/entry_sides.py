"""A catalog entry beside what was imported from it: its own side of a comparison, and its files one by one."""

from __future__ import annotations

from collections_app.domain.types import ArtifactKind
from collections_app.models import Artifact
from collections_app.services.listed_tree import Part
from collections_app.services.sides import UPSTREAM, Side, in_memory, meaning_of
from collections_app.services.upstream_sides import parts_side, reader
from marketplace.models import CatalogEntry
from marketplace.services.contents import INLINE
from marketplace.services.entry_files import OpenedEntry, open_entry
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.types import FileMode


def entry_side(entry: CatalogEntry, report: Report, *, name: str = "") -> Side:
    """An entry's artifact at the commit of the last scan; ``name``: what the only file of one is called here.

    Hooks and servers by what they mean, as every other side tells them. Whatever keeps it from being read is told in
    the side. May ask the network.
    """
    place = entry.commit[:12]
    try:
        opened = open_entry(entry, report)
        if entry.type in INLINE:
            ((_, data),) = [(file.path, file.data) for file in opened.files(report)]
            return Side(UPSTREAM, place, "", *meaning_of(ArtifactKind(entry.type), entry.name, data))
        return _parts(opened, name or file_name(entry), report)
    except DomainError as error:
        return Side(UPSTREAM, place, problem=error)


def _parts(opened: OpenedEntry, name: str, report: Report) -> Side:
    read = reader(opened.provider, opened.address, opened.head, report)
    return parts_side(str(opened.head.commit)[:12], opened.outline.parts, name, read)


def entry_content(entry: CatalogEntry, report: Report) -> tuple[tuple[Part, ...], Side]:
    """The files of an entry as its repository has them, and the side that reads them; an inline value is one file.

    Raises as ``entry_files``.
    """
    opened = open_entry(entry, report)
    name = file_name(entry)
    if not opened.outline.inline:
        parts = tuple(part._replace(path=part.path or name) for part in opened.outline.parts)
        return parts, _parts(opened, name, report)
    (file,) = opened.files(report)
    (part,) = opened.outline.parts
    side = Side(UPSTREAM, "", "", *in_memory({name: (FileMode.FILE, file.data)}))
    return (part._replace(path=name, oid=side.contents[name].oid, size=len(file.data)),), side


def file_name(entry: CatalogEntry) -> str:
    return (entry.file or entry.path).rpartition("/")[2]


def imported_artifacts(entry: CatalogEntry) -> list[Artifact]:
    """What was imported from an entry, the newest first."""
    links = entry.imports.select_related("artifact__collection").order_by("-pk")
    return list({link.artifact.pk: link.artifact for link in links}.values())
