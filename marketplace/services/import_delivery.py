"""Fetching what a plan takes, and putting it into the collection, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from django.utils import timezone

from collections_app.domain.import_plan import Action, Decision
from collections_app.domain.types import ArtifactRef
from collections_app.services.changing import CHUNK
from collections_app.services.holding import HeldCollection
from collections_app.services.homes import home
from collections_app.services.installing import Incoming, Installed, Upstream, check_files, install
from collections_app.services.snapshots import take_snapshot
from collections_app.services.standing import Seen, look
from collections_app.services.upstream_news import UpstreamNews, note_upstream
from collections_app.store.content_ids import blob_oid
from marketplace.models import CatalogEntry, EntryImport
from marketplace.services.approved_tags import approved_of
from marketplace.services.contents import Outline, Tree, read_outlines
from marketplace.services.import_run import ImportRun, Rehearsed
from marketplace.services.upstreams import address_of, provider_of
from skillmeat_site.core.bulk import insert_rows
from skillmeat_site.core.documents.said import said_of
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.results import ItemOutcome
from skillmeat_site.upstream.refs import validate_ref
from skillmeat_site.upstream.types import CommitOid, Head, Listing, Provider, RepositoryAddress

READ_TOGETHER = 1000
"""So many artifacts are fetched in one upstream batch, if their files fit into memory."""
STOPPING = (LeaseLost, JobTimeout)
"""After these nothing may be written any more, not even a result."""

Planned = Mapping[int, Decision]


def carry_out(run: ImportRun, held: HeldCollection, wanted: Sequence[CatalogEntry], decisions: Planned) -> None:
    """Fetch and install what the plan takes, after one snapshot; every entry of the plan settles.

    Raises UpstreamError by kind, or Cancelled, as long as nothing is installed. Once something is, what stops the
    rest is told by the rest. Raises LeaseLost and JobTimeout at any time.
    """
    entries = [entry for entry in wanted if entry.pk in decisions]
    delivery = _Delivery(run, held, decisions)
    try:
        for item, entry in _incoming(run, entries, decisions):
            delivery.add(item, entry)
        delivery.flush()
    except STOPPING:
        raise
    except DomainError as error:
        if not isinstance(error, Cancelled):
            delivery.flush()
        if not run.installed:
            raise
        run.fail_rest(entries, error)


def rehearse(run: ImportRun, wanted: Sequence[CatalogEntry], decisions: Planned) -> None:
    """Fetch and check what the plan takes, install nothing; every entry of the plan settles as it would.

    Raises ManifestInvalid, and as fetching.
    """
    entries = [entry for entry in wanted if entry.pk in decisions]
    foreseen = {occupant.id for occupant in run.options.taken}
    folder = home().collection(run.options.collection)
    places = look(folder, [decision.ref for decision in decisions.values()], tick=run.report.tick)
    for item, entry in _incoming(run, entries, decisions):
        decision, seen = decisions[entry.pk], places[item.ref]
        try:
            if isinstance(seen, DomainError):
                raise seen
            if decision.action is not Action.REPLACE:
                seen.refuse()
            check_files(item.ref, item.files, item.oid)
        except DomainError as error:
            run.fail(entry, error)
        else:
            run.rehearsed[entry.pk] = Rehearsed(item.oid, seen)
            known = "" if decision.target in foreseen else decision.target
            replaced = seen.is_there or decision.target in foreseen
            run.settle(entry, _outcome(replaced), artifact_id=known, name=item.ref.name)


def _outcome(replaced: bool) -> ItemOutcome:
    return ItemOutcome.UPDATED if replaced else ItemOutcome.CREATED


class _Delivery:
    """Collects what was fetched into chunks, and installs each; the snapshot goes before the first.

    ``_seen``: what stood before it where something is replaced; None as long as nothing was fetched.
    """

    def __init__(self, run: ImportRun, held: HeldCollection, decisions: Planned) -> None:
        self._run, self._held, self._total = run, held, len(decisions)
        self._replaced = [decision.ref for decision in decisions.values() if decision.action is Action.REPLACE]
        self._seen: Mapping[ArtifactRef, Seen | DomainError] | None = None
        self._items: list[Incoming] = []
        self._entries: dict[ArtifactRef, CatalogEntry] = {}

    def add(self, item: Incoming, entry: CatalogEntry) -> None:
        if self._seen is None:
            self._seen = look(self._held.folder, self._replaced, tick=self._run.report.tick)
            if self._held.folder.exists():
                self._snapshot()
        seen = self._seen.get(item.ref)
        if isinstance(seen, DomainError):
            self._run.fail(entry, seen)
            return
        self._items.append(replace(item, replaces=seen))
        self._entries[item.ref] = entry
        if len(self._items) == CHUNK:
            self.flush()

    def _snapshot(self) -> None:
        run = self._run
        run.snapshot_id = str(take_snapshot(self._held, reason=run.reason, actor=run.actor, job_id=run.job_id).pk)

    def flush(self) -> None:
        """One chunk: files, records, rows and links, whole or not at all; each entry settles."""
        items, entries = self._items, self._entries
        self._items, self._entries = [], {}
        if not items:
            return
        try:
            installed, failed = self._install(items, entries)
        except Exception as error:
            failure = as_domain_error(error)
            if failure is None or isinstance(failure, (Cancelled, *STOPPING)):
                raise
            installed, failed = {}, dict.fromkeys(entries, failure)
        for ref, entry in entries.items():
            if ref in failed:
                self._run.fail(entry, failed[ref])
            else:
                self._settle(entry, installed[ref])
        self._run.report.progress(len(self._run.installed), self._total, "importing")

    def _install(
        self, items: Sequence[Incoming], entries: Mapping[ArtifactRef, CatalogEntry]
    ) -> tuple[dict[ArtifactRef, Installed], dict[ArtifactRef, DomainError]]:
        run, done = self._run, {}

        def link(installed: Sequence[Installed]) -> None:
            link_imports(run, installed, {item.incoming.ref: entries[item.incoming.ref].pk for item in installed})
            ids = [str(item.artifact_id) for item in installed]
            AuditEvent.record(run.actor, "entries.imported", self._held.row, job_id=run.job_id, artifacts=ids)
            done.update({item.incoming.ref: item for item in installed})

        failed = install(self._held, items, kind="import", on_installed=link)
        return done, failed

    def _settle(self, entry: CatalogEntry, item: Installed) -> None:
        self._run.installed[entry.pk] = item
        outcome, name = _outcome(item.replaced), item.incoming.ref.name
        self._run.settle(entry, outcome, artifact_id=str(item.artifact_id), name=name)


def _incoming(
    run: ImportRun, entries: Sequence[CatalogEntry], decisions: Planned
) -> Iterator[tuple[Incoming, CatalogEntry]]:
    """What the repository has of the entries, read in large batches; one that cannot be had fails alone."""
    if not entries:
        return
    address, provider, head, listing = _listing(run)
    outlines = list(_outlines(run, Tree(listing), entries))
    approved = approved_of(run.source)
    for start in range(0, len(outlines), READ_TOGETHER):
        batch = outlines[start : start + READ_TOGETHER]
        for outline, files in read_outlines(provider, address, head, batch, run.report):
            if isinstance(files, DomainError):
                run.fail(outline.entry, files)
                continue
            decision = decisions[outline.entry.pk]
            entry = outline.entry
            yield (
                Incoming(
                    ref=decision.ref,
                    files=files,
                    oid=outline.oid or blob_oid(files[0].data),
                    upstream=Upstream(
                        run.source.url, run.options.source_ref or run.source.ref, entry.path, listing.commit
                    ),
                    told={"title": entry.title, "description": entry.description, **said_of(entry.metadata)},
                    tags=approved.added_to(entry.tags, entry.path),
                    artifact_id=UUID(decision.target) if decision.target else None,
                    fresh=run.fresh,
                    import_id=str(run.job_id or ""),
                    inline=entry.discriminator if outline.inline else None,
                ),
                entry,
            )


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


def _outlines(run: ImportRun, tree: Tree, entries: Sequence[CatalogEntry]) -> Iterator[Outline]:
    for entry in entries:
        try:
            outline = tree.outline(entry, same=not run.options.source_ref)
        except DomainError as error:
            run.fail(entry, error)
        else:
            yield outline


def link_imports(run: ImportRun, installed: Sequence[Installed], entries: Mapping[ArtifactRef, int]) -> None:
    """Tell which entry each artifact now comes from: three statements, in the transaction that makes it count."""
    EntryImport.objects.filter(artifact_id__in=[item.artifact_id for item in installed]).delete()
    now = timezone.now()
    rows = (
        {
            "entry_id": entries[item.incoming.ref],
            "artifact_id": item.artifact_id,
            "imported_oid": item.incoming.oid,
            "imported_commit": item.incoming.upstream.commit,
            "job_id": run.job_id,
            "imported_at": now,
        }
        for item in installed
    )
    insert_rows(
        EntryImport, rows, ("entry_id", "artifact_id", "imported_oid", "imported_commit", "job_id", "imported_at")
    )
    if not run.options.source_ref:
        _catch_up(installed, entries)


def _catch_up(installed: Sequence[Installed], entries: Mapping[ArtifactRef, int]) -> None:
    """A scan may have been applied since the entries were read: what it found newer is told now, as it could not."""
    by_entry = {entries[item.incoming.ref]: item for item in installed}
    now = CatalogEntry.objects.filter(pk__among=list(by_entry)).values_list("pk", "content_oid", "commit")
    note_upstream(
        [
            UpstreamNews(by_entry[pk].artifact_id, oid, commit)
            for pk, oid, commit in now
            if oid != by_entry[pk].incoming.oid
        ]
    )
