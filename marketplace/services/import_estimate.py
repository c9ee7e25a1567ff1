"""What an import would come to as far as the database knows: names and links, no content, no disk, no network.

For a page that cannot wait. The dry run of the import reads everything and is the truth (docs/adr/0018); this tells
the same but for what only the content shows, and for files that lie in a collection without a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from collections_app.domain.import_plan import Action, Decision, Occupant, Strategy, Wanted, plan_imports
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.models import Artifact
from marketplace.errors import CollectionRequired, NotImportable
from marketplace.models import CatalogEntry, EntryImport
from marketplace.services.entries import entry_ref
from marketplace.services.import_choice import artifact_name, why_not_importable
from marketplace.services.sources import not_found_row
from skillmeat_site.core.results import BulkResult, ItemOutcome, Row

OUTCOMES: Mapping[Action, ItemOutcome] = {
    Action.CREATE: ItemOutcome.CREATED,
    Action.REPLACE: ItemOutcome.UPDATED,
    Action.SKIP: ItemOutcome.SKIPPED,
    Action.CONFLICT: ItemOutcome.CONFLICT,
    Action.REFUSE: ItemOutcome.FAILED,
}
COLUMNS = (
    "pk", "source_id", "type", "name", "namespace", "path", "presence", "excluded_at", "content_oid",
)  # fmt: skip


def estimate_import(ids: Sequence[int], *, collection: str, strategy: Strategy) -> BulkResult:
    """One row per entry, in order: three statements, however many. Sources follow each other as in the run."""
    known = _entries(ids)
    links = {
        entry: str(artifact)
        for entry, artifact in EntryImport.objects.filter(
            entry__pk__among=list(known), artifact__collection__slug=collection
        )
        .order_by("pk")
        .values_list("entry_id", "artifact_id")
    }
    rows: dict[int, Row] = {}
    batches: list[list[Wanted]] = []
    for group in _by_source(known, ids):
        batches.append([])
        for entry in group:
            if reason := why_not_importable(entry):
                rows[entry.pk] = _row(entry, ItemOutcome.FAILED, NotImportable.code, reason)
            else:
                kind = ArtifactKind(entry.type)
                batches[-1].append(Wanted(entry.pk, kind, artifact_name(entry), links.get(entry.pk, "")))
    for decision in plan_imports(batches, _occupants(collection), strategy):
        rows[decision.key] = _decided(known[decision.key], decision)
    return BulkResult(tuple(rows.get(pk) or not_found_row("entry", pk) for pk in dict.fromkeys(ids)), dry_run=True)


def estimate_reimport(ids: Sequence[int], *, collection: str) -> BulkResult:
    """One row per entry, in order: two statements. ``collection`` empty: where each is imported."""
    known = _entries(ids)
    places: dict[int, dict[str, bool]] = {}
    links = EntryImport.objects.filter(entry__pk__among=list(known)).values_list(
        "entry_id", "artifact__collection__slug", "imported_oid"
    )
    for pk, slug, oid in links:
        places.setdefault(pk, {})[slug] = oid == known[pk].content_oid
    rows = {pk: _reimported(entry, places.get(pk, {}), collection) for pk, entry in known.items()}
    return BulkResult(tuple(rows.get(pk) or not_found_row("entry", pk) for pk in dict.fromkeys(ids)), dry_run=True)


def _reimported(entry: CatalogEntry, places: Mapping[str, bool], collection: str) -> Row:
    """``places``: the collections it is imported into, and whether with the content it has now."""
    if reason := why_not_importable(entry):
        return _row(entry, ItemOutcome.FAILED, NotImportable.code, reason)
    if not collection and len(places) > 1:
        detail = f"It is imported into {', '.join(sorted(places))}: say which."
        return _row(entry, ItemOutcome.FAILED, CollectionRequired.code, detail)
    slug = collection or next(iter(places), "")
    if slug not in places:
        return _row(entry, ItemOutcome.CREATED)
    return _row(entry, ItemOutcome.UNCHANGED if places[slug] else ItemOutcome.UPDATED)


def _entries(ids: Sequence[int]) -> dict[int, CatalogEntry]:
    return {entry.pk: entry for entry in CatalogEntry.objects.filter(pk__among=list(ids)).only(*COLUMNS)}


def _by_source(known: Mapping[int, CatalogEntry], ids: Sequence[int]) -> Iterable[list[CatalogEntry]]:
    groups: dict[int, list[CatalogEntry]] = {}
    for pk in dict.fromkeys(ids):
        if pk in known:
            groups.setdefault(known[pk].source_id, []).append(known[pk])
    return [groups[pk] for pk in sorted(groups)]


def _occupants(collection: str) -> list[Occupant]:
    """The names that the index knows to be taken."""
    rows = Artifact.objects.filter(collection__slug=collection).order_by("pk")
    return [
        Occupant(str(pk), ArtifactRef(type_, name), present=bool(oid))
        for pk, type_, name, oid in rows.values_list("pk", "type", "name", "content_oid")
    ]


def _decided(entry: CatalogEntry, decision: Decision) -> Row:
    return _row(entry, OUTCOMES[decision.action], decision.code, decision.detail or decision.taken_by)


def _row(entry: CatalogEntry, outcome: ItemOutcome, code: str = "", message: str = "") -> Row:
    return Row(entry_ref(entry.pk, str(entry)), outcome, code, message)
