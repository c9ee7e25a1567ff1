"""Importing entries of one source into one collection: plan, snapshot, fetch, install."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.utils import timezone

from collections_app.domain.import_plan import Action, Decision, Strategy, Wanted, plan_import
from collections_app.domain.names import check_name, normalised
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.errors import UnsafePath
from collections_app.models import Collection
from collections_app.services.changing import CHUNK
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.installing import Incoming, Installed, Upstream, install, kind_of, occupants
from collections_app.services.snapshots import take_snapshot
from collections_app.store.staging import NewFile
from marketplace.domain.naming import name_of, stem_of
from marketplace.domain.said import said_of
from marketplace.errors import NotImportable
from marketplace.models import CatalogEntry, EntryImport, Source
from marketplace.models.entry import Presence
from marketplace.services.approved_tags import Approved, approved_of
from marketplace.services.contents import Outline, Tree, read_outlines
from marketplace.services.import_results import ImportedEntry, ImportResult
from marketplace.services.upstreams import address_of, provider_of
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.bulk import insert_rows
from skillmeat_site.core.errors import DomainError, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import ItemOutcome
from skillmeat_site.upstream.refs import validate_ref
from skillmeat_site.upstream.types import CommitOid, Head, Listing, Provider, RepositoryAddress

BEFORE_IMPORT = "before-import"
READ_TOGETHER = 500
"""So many artifacts are fetched in one upstream batch, if their files fit into memory."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """``source_ref``: take the content of this branch, tag or commit instead of what the catalog shows."""

    collection: str = "default"
    strategy: Strategy = Strategy.SKIP
    source_ref: str = ""
    dry_run: bool = False


@dataclass(slots=True)
class ImportRun:
    """One import on its way. ``settled``: what became of each entry so far; ``installed``: what is new on disk.

    ``fresh``: a replaced artifact becomes another one, without the old one's id, tags and pin.
    """

    source: Source
    options: ImportOptions
    actor: Actor
    report: Report
    job_id: UUID | None
    reason: str = BEFORE_IMPORT
    fresh: bool = False
    settled: dict[int, ImportedEntry] = field(default_factory=dict)
    failures: dict[int, DomainError] = field(default_factory=dict)
    installed: dict[int, Installed] = field(default_factory=dict)
    snapshot_id: str = ""

    def settle(self, entry: CatalogEntry, outcome: ItemOutcome, **more: str) -> None:
        self.settled[entry.pk] = ImportedEntry(entry.pk, str(entry), outcome, **more)

    def fail(self, entry: CatalogEntry, error: DomainError) -> None:
        self.failures[entry.pk] = error
        self.settle(entry, ItemOutcome.FAILED, code=error.code, error=error.detail)


def import_source_entries(
    source: Source,
    ids: Sequence[int],
    *,
    options: ImportOptions,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
) -> ImportResult:
    """Import entries of one source; each settles by itself, and a failed one leaves what was there.

    Holds the collection's lease; makes the collection where there is none. One snapshot before the first change; then
    chunks of 100, each whole or not at all. Raises CollectionBusy, ManifestInvalid, UpstreamError by kind where the
    repository cannot be read at all: nothing has changed then, but for chunks that were done before.
    """
    started = timezone.now()
    run = ImportRun(source, options, actor, report, job_id)
    wanted = importable(run, ids)
    if wanted and options.dry_run and not _exists(options.collection):
        _plan(run, wanted, None)
    elif wanted:
        with held_collection(options.collection, report, create=not options.dry_run) as held:
            decisions = _plan(run, wanted, held)
            if decisions and not options.dry_run:
                carry_out(run, held, wanted, decisions)
    return ImportResult(
        import_id=str(job_id or ""),
        source_id=source.pk,
        collection=options.collection,
        started_at=started,
        completed_at=timezone.now(),
        entries=tuple(run.settled[pk] for pk in dict.fromkeys(ids)),
        snapshot_id=run.snapshot_id,
        dry_run=options.dry_run,
    )


def _exists(slug: str) -> bool:
    return Collection.objects.filter(slug=slug).exists()


def importable(run: ImportRun, ids: Sequence[int]) -> list[CatalogEntry]:
    """The entries that a collection can hold, in the order wanted; the others are settled."""
    known = run.source.entries.in_bulk(list(ids))
    wanted = []
    for pk in dict.fromkeys(ids):
        entry = known.get(pk)
        if entry is None:
            detail = f"Source {run.source.pk} has no entry {pk}."
            run.settled[pk] = ImportedEntry(pk, "", ItemOutcome.FAILED, code=NotFound.code, error=detail)
        elif reason := why_not_importable(entry):
            run.settle(entry, ItemOutcome.FAILED, code=NotImportable.code, error=reason)
        else:
            wanted.append(entry)
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
    folder = kind.is_folder
    names = [entry.name, name_of(entry.path) if folder else stem_of(entry.path)]
    namespaced = kind in (ArtifactKind.COMMAND, ArtifactKind.AGENT) and entry.namespace
    full = [normalised(f"{entry.namespace}:{name}" if namespaced else name) for name in names]
    return next((name for name in full if _is_safe(kind, name)), full[0])


def _is_safe(kind: ArtifactKind, name: str) -> bool:
    try:
        check_name(kind, name)
    except UnsafePath:
        return False
    return True


def _plan(run: ImportRun, wanted: Sequence[CatalogEntry], held: HeldCollection | None) -> dict[int, Decision]:
    """What to do about each; those that are settled by that alone are settled. A dry run settles all."""
    links = _links(wanted, held)
    wanted = [entry for entry in wanted if not _done_before(run, entry, links.get(entry.pk))]
    asked = [
        Wanted(entry.pk, ArtifactKind(entry.type), artifact_name(entry), _id_of(links.get(entry.pk)))
        for entry in wanted
    ]
    decisions = plan_import(asked, occupants(held) if held else (), run.options.strategy)
    taken: dict[int, Decision] = {}
    for entry, decision in zip(wanted, decisions, strict=True):
        outcome = _OUTCOMES[decision.action]
        if decision.action in (Action.CREATE, Action.REPLACE) and not run.options.dry_run:
            taken[entry.pk] = decision
        else:
            run.settle(
                entry,
                outcome,
                artifact_id=decision.target,
                name=decision.ref.name,
                conflict_with=decision.taken_by,
                code=decision.code,
                error=decision.detail,
            )
    return taken


_OUTCOMES: Mapping[Action, ItemOutcome] = {
    Action.CREATE: ItemOutcome.CREATED,
    Action.REPLACE: ItemOutcome.UPDATED,
    Action.SKIP: ItemOutcome.SKIPPED,
    Action.CONFLICT: ItemOutcome.CONFLICT,
    Action.REFUSE: ItemOutcome.FAILED,
}


def _id_of(link: EntryImport | None) -> str:
    return str(link.artifact_id) if link else ""


def _done_before(run: ImportRun, entry: CatalogEntry, link: EntryImport | None) -> bool:
    """Whether an earlier attempt of this very job imported it; it must not be imported once more."""
    if link is None or run.job_id is None or link.job_id != run.job_id:
        return False
    run.settle(entry, ItemOutcome.CREATED, artifact_id=str(link.artifact_id), name=link.artifact.name)
    return True


def _links(wanted: Sequence[CatalogEntry], held: HeldCollection | None) -> dict[int, EntryImport]:
    """The artifact that each entry was last imported as into this collection: one statement."""
    if held is None:
        return {}
    made = EntryImport.objects.filter(entry__pk__among=[entry.pk for entry in wanted], artifact__collection=held.row)
    return {link.entry_id: link for link in made.order_by("pk").select_related("artifact")}


def carry_out(
    run: ImportRun, held: HeldCollection, wanted: Sequence[CatalogEntry], decisions: Mapping[int, Decision]
) -> None:
    """Fetch and install what the plan takes, after one snapshot. Raises UpstreamError by kind before any change."""
    entries = [entry for entry in wanted if entry.pk in decisions]
    address, provider, head, listing = _listing(run)
    outlines = _outlines(run, Tree(listing), entries)
    approved = approved_of(run.source)
    if outlines and held.folder.exists():
        run.snapshot_id = str(take_snapshot(held, reason=run.reason, actor=run.actor, job_id=run.job_id).pk)
    waiting: list[Incoming] = []
    by_ref: dict[ArtifactRef, CatalogEntry] = {}
    done = 0
    for start in range(0, len(outlines), READ_TOGETHER):
        for outline, files in read_outlines(
            provider, address, head, outlines[start : start + READ_TOGETHER], run.report
        ):
            done += 1
            if isinstance(files, DomainError):
                run.fail(outline.entry, files)
                continue
            item = _incoming(run, outline, files, decisions[outline.entry.pk], listing.commit, approved)
            waiting.append(item)
            by_ref[item.ref] = outline.entry
            if len(waiting) == CHUNK:
                _install(run, held, waiting, by_ref)
                waiting, by_ref = [], {}
                run.report.progress(done, len(outlines), "importing")
    if waiting:
        _install(run, held, waiting, by_ref)


def _listing(run: ImportRun) -> tuple[RepositoryAddress, Provider, Head, Listing]:
    """The tree at the commit of the last scan, or where ``source_ref`` points to now."""
    source, report = run.source, run.report
    report.progress(0, 0, "listing the repository")
    address = address_of(source)
    provider = provider_of(source)
    head = Head(CommitOid(source.head_commit), source.resolved_ref)
    if run.options.source_ref:
        address = replace(address, ref=validate_ref(run.options.source_ref))
        head = provider.resolve(address, tick=report.tick)
    return address, provider, head, provider.listing(address, head, tick=report.tick)


def _outlines(run: ImportRun, tree: Tree, entries: Sequence[CatalogEntry]) -> list[Outline]:
    outlines = []
    for entry in entries:
        try:
            outlines.append(tree.outline(entry, same=not run.options.source_ref))
        except DomainError as error:
            run.fail(entry, error)
    return outlines


def _incoming(
    run: ImportRun,
    outline: Outline,
    files: Sequence[NewFile],
    decision: Decision,
    commit: str,
    approved: Approved,
) -> Incoming:
    entry = outline.entry
    return Incoming(
        ref=decision.ref,
        files=files,
        oid=outline.oid,
        upstream=Upstream(run.source.url, run.options.source_ref or run.source.ref, entry.path, commit),
        told={"title": entry.title, "description": entry.description, **said_of(entry.metadata)},
        tags=approved.added_to(entry.tags, entry.path),
        artifact_id=UUID(decision.target) if decision.target else None,
        fresh=run.fresh,
        import_id=str(run.job_id or ""),
    )


def _install(
    run: ImportRun, held: HeldCollection, items: Sequence[Incoming], by_ref: Mapping[ArtifactRef, CatalogEntry]
) -> None:
    """One chunk: files, records, rows and links, whole or not at all; each entry settles."""

    def link(installed: Sequence[Installed]) -> None:
        link_imports(installed, {item.incoming.ref: by_ref[item.incoming.ref].pk for item in installed}, run.job_id)
        ids = [str(item.artifact_id) for item in installed]
        AuditEvent.record(run.actor, "entries.imported", held.row, job_id=run.job_id, artifacts=ids)
        for item in installed:
            settled[item.incoming.ref] = item

    settled: dict[ArtifactRef, Installed] = {}
    failed = install(held, items, kind="import", on_installed=link)
    for ref, entry in by_ref.items():
        if ref in failed:
            run.fail(entry, failed[ref])
        else:
            item = run.installed[entry.pk] = settled[ref]
            outcome = ItemOutcome.UPDATED if item.replaced else ItemOutcome.CREATED
            run.settle(entry, outcome, artifact_id=str(item.artifact_id), name=ref.name)


def link_imports(installed: Sequence[Installed], entries: Mapping[ArtifactRef, int], job_id: UUID | None) -> None:
    """Tell which entry each artifact now comes from: two statements, in the transaction that makes it count."""
    EntryImport.objects.filter(artifact_id__in=[item.artifact_id for item in installed]).delete()
    now = timezone.now()
    rows = (
        {
            "entry_id": entries[item.incoming.ref],
            "artifact_id": item.artifact_id,
            "imported_oid": item.incoming.oid,
            "imported_commit": item.incoming.upstream.commit,
            "job_id": job_id,
            "imported_at": now,
        }
        for item in installed
    )
    insert_rows(
        EntryImport, rows, ("entry_id", "artifact_id", "imported_oid", "imported_commit", "job_id", "imported_at")
    )
