"""Which entries a collection can take, and what their artifacts are called there."""

from __future__ import annotations

from collections.abc import Sequence

from collections_app.domain.names import check_name, normalised
from collections_app.domain.types import ArtifactKind
from collections_app.errors import UnsafePath
from collections_app.services.installing import kind_of
from marketplace.domain.naming import name_of, stem_of
from marketplace.errors import NotImportable
from marketplace.models import CatalogEntry, Source
from marketplace.models.entry import Presence
from marketplace.services.import_results import ImportedEntry
from marketplace.services.import_run import ImportRun
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.results import ItemOutcome

NAMESPACED = (ArtifactKind.COMMAND, ArtifactKind.AGENT)


def entries_of(source: Source, ids: Sequence[int]) -> dict[int, CatalogEntry]:
    """Entries of a source by id, each with the source as it was at the same moment: one statement.

    So that a scan which is applied just then is seen whole or not at all.
    """
    chosen = source.entries.filter(pk__among=list(ids)).select_related("source").defer("fingerprint", "search_text")
    return {entry.pk: entry for entry in chosen}


def importable(run: ImportRun, ids: Sequence[int]) -> list[CatalogEntry]:
    """The entries that a collection can hold, in the order wanted; the others are settled."""
    known = entries_of(run.source, ids)
    wanted = []
    for pk in dict.fromkeys(ids):
        entry = known.get(pk)
        if entry is None:
            detail = f"Source {run.source.pk} has no entry {pk}."
            run.settled[pk] = ImportedEntry(pk, "", ItemOutcome.FAILED, code=NotFound.code, error=detail)
        elif reason := why_not_importable(entry):
            run.fail(entry, NotImportable(reason))
        else:
            wanted.append(entry)
    if wanted:
        run.source = wanted[0].source
    return wanted


def why_not_importable(entry: CatalogEntry) -> str:
    """Why no collection can take the entry; empty where one can."""
    if kind_of(entry.type) is None:
        return f"A {entry.type} lists plugins; import those."
    if entry.presence != Presence.PRESENT:
        return "It is no longer in the repository."
    if entry.excluded_at is not None:
        return "It is excluded; restore it first."
    return ""


def artifact_name(entry: CatalogEntry) -> str:
    """What the artifact of an entry is called: its namespace and name; its place where the name names no file."""
    kind = ArtifactKind(entry.type)
    names = [entry.name, name_of(entry.path) if kind.is_folder else stem_of(entry.path)]
    namespaced = kind in NAMESPACED and entry.namespace
    full = [normalised(f"{entry.namespace}:{name}" if namespaced else name) for name in names]
    return next((name for name in full if _is_safe(kind, name)), full[0])


def _is_safe(kind: ArtifactKind, name: str) -> bool:
    try:
        check_name(kind, name)
    except UnsafePath:
        return False
    return True
