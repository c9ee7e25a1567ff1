"""Importing anew what was imported before: into itself, whatever it is called, and whatever became of its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from collections_app.domain.import_plan import Action, Decision, Strategy, Wanted, plan_import
from collections_app.domain.names import check_slug
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.errors import NameTaken, UnsafePath
from collections_app.models import Artifact, Collection
from collections_app.services.holding import DEFAULT, held_collection
from collections_app.services.installing import Installed, occupants
from collections_app.services.redeploying import Redeployed, redeploy_clean, would_follow
from collections_app.services.undeploying import deployments_of, forget_deployments, forgettable
from marketplace.errors import CollectionRequired, NotImportable
from marketplace.models import CatalogEntry, EntryImport, Source
from marketplace.services.import_choice import artifact_name, entries_of, why_not_importable
from marketplace.services.import_delivery import STOPPING, carry_out, rehearse
from marketplace.services.import_results import ReimportResult
from marketplace.services.import_run import ImportOptions, ImportRun, Rehearsed
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError, NotFound
from skillmeat_site.core.reporting import Report

BEFORE_REIMPORT = "before-reimport"


@dataclass(frozen=True, slots=True)
class ReimportOptions:
    """``keep_deployments``: the artifact keeps its id, tags, pin and deployments, of which the unedited ones follow.

    Without it everything starts afresh: a new id, no tags or pin of the user's; deployed files stay as they are, and
    are no longer ours. ``collection`` empty: where it is imported, else ``default``.
    """

    keep_deployments: bool = False
    collection: str = ""
    dry_run: bool = False


Reimported = ReimportResult | DomainError


def reimport_entry(
    source: Source,
    entry_id: int,
    *,
    options: ReimportOptions,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
) -> ReimportResult:
    """Import one entry anew; the answer names the snapshot that was taken before.

    Raises NotFound, NotImportable (removed upstream, excluded), CollectionRequired, CollectionBusy, NameTaken where
    another artifact has the name that it would get, and what fetching and writing raise: nothing has changed then.
    A dry run reads upstream as the run would, and takes no lease.
    """
    result = reimport_entries(source, [entry_id], options=options, actor=actor, report=report, job_id=job_id)[entry_id]
    if isinstance(result, DomainError):
        raise result
    return result


def reimport_entries(
    source: Source,
    ids: Sequence[int],
    *,
    options: ReimportOptions,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
) -> dict[int, Reimported]:
    """Import entries of one source anew, collection by collection; each settles by itself.

    One snapshot per collection, before its first change. A collection that is busy, or a repository that cannot be
    read, fails its own entries only. Raises LeaseLost and JobTimeout.
    """
    results: dict[int, Reimported] = {}
    groups: dict[str, list[CatalogEntry]] = {}
    known = entries_of(source, ids)
    places = _places(known)
    for pk in dict.fromkeys(ids):
        try:
            entry = _reimportable(source, known.get(pk), pk)
            groups.setdefault(_collection_of(places.get(pk, []), options), []).append(entry)
        except DomainError as error:
            results[pk] = error
    for slug, entries in groups.items():
        run = ImportRun(
            entries[0].source,
            ImportOptions(collection=slug, dry_run=options.dry_run),
            actor,
            report,
            job_id,
            reason=BEFORE_REIMPORT,
            fresh=not options.keep_deployments,
        )
        try:
            results |= _reimport(run, entries)
        except STOPPING:
            raise
        except DomainError as error:
            results |= dict.fromkeys([entry.pk for entry in entries], error)
    return results


def _reimportable(source: Source, entry: CatalogEntry | None, pk: int) -> CatalogEntry:
    if entry is None:
        raise NotFound(f"Source {source.pk} has no entry {pk}.")
    if reason := why_not_importable(entry):
        raise NotImportable(reason)
    return entry


def _places(entries: Iterable[int]) -> dict[int, list[str]]:
    """The collections that each entry is imported into: one statement."""
    links = EntryImport.objects.filter(entry__pk__among=list(entries))
    places: dict[int, list[str]] = {}
    pairs = links.values_list("entry_id", "artifact__collection__slug")
    for pk, slug in pairs.order_by("entry_id", "artifact__collection__slug").distinct():
        places.setdefault(pk, []).append(slug)
    return places


def _collection_of(places: Sequence[str], options: ReimportOptions) -> str:
    if options.collection:
        return check_slug(options.collection)
    if len(places) > 1:
        raise CollectionRequired(f"It is imported into {', '.join(places)}: say which.", data={"collections": places})
    return places[0] if places else DEFAULT


def _reimport(run: ImportRun, entries: Sequence[CatalogEntry]) -> dict[int, Reimported]:
    if run.options.dry_run:
        row = Collection.objects.filter(slug=run.options.collection).first()
        decisions, results = _decide(row, entries)
        deployed = _deployed(decisions)
        rehearse(run, entries, decisions)
        return results | {
            pk: run.failures.get(pk) or _foreseen(pk, run, decision, deployed.get(decision.target, ()))
            for pk, decision in decisions.items()
        }
    with held_collection(run.options.collection, run.report, create=True) as held:
        decisions, results = _decide(held.row, entries)
        deployed = _deployed(decisions)
        carry_out(run, held, entries, decisions)
    for pk, decision in decisions.items():
        item = run.installed.get(pk)
        results[pk] = _finished(run, pk, item, deployed.get(decision.target, ())) if item else run.failures[pk]
    return results


def _deployed(decisions: Mapping[int, Decision]) -> Mapping[str, Sequence[UUID]]:
    return deployments_of([UUID(decision.target) for decision in decisions.values() if decision.target])


def _decide(
    collection: Collection | None, entries: Sequence[CatalogEntry]
) -> tuple[dict[int, Decision], dict[int, Reimported]]:
    """Each entry goes to the artifact that its last import made; without one, to a name that nobody has."""
    own = _own(collection, entries)
    decisions = {
        pk: Decision(pk, Action.REPLACE, ArtifactRef(artifact.type, artifact.name), target=str(artifact.pk))
        for pk, artifact in own.items()
    }
    others = [
        Wanted(entry.pk, ArtifactKind(entry.type), artifact_name(entry)) for entry in entries if entry.pk not in own
    ]
    refs = [ArtifactRef(want.kind, want.name) for want in others]
    refused: dict[int, Reimported] = {}
    for decision in plan_import(others, occupants(collection, refs) if collection else (), Strategy.SKIP):
        if decision.action is Action.CREATE:
            decisions[decision.key] = decision
        elif decision.action is Action.REFUSE:
            refused[decision.key] = UnsafePath(decision.detail)
        else:
            detail = f"{decision.taken_by} is in the way: remove it, or import with another strategy."
            refused[decision.key] = NameTaken(detail)
    return decisions, refused


def _own(collection: Collection | None, entries: Sequence[CatalogEntry]) -> dict[int, Artifact]:
    """The artifact of each entry's last import; of two entries that name the same one, only the first has it."""
    if collection is None:
        return {}
    made = EntryImport.objects.filter(
        entry__pk__among=[entry.pk for entry in entries], artifact__collection=collection
    )
    last = {link.entry_id: link.artifact for link in made.order_by("pk").select_related("artifact")}
    first: dict[UUID, int] = {}
    for entry in entries:
        if entry.pk in last:
            first.setdefault(last[entry.pk].pk, entry.pk)
    return {pk: last[pk] for pk in first.values()}


def _finished(run: ImportRun, pk: int, item: Installed, deployed: Sequence[UUID]) -> ReimportResult:
    """After the files: the deployments follow, or are let go. What fails there is told by their own state."""
    if run.fresh:
        moved, dropped = Redeployed(), forget_deployments(deployed, actor=run.actor, report=run.report)
    else:
        moved = redeploy_clean(
            item.artifact_id, was=item.previous_oid, actor=run.actor, report=run.report, job_id=run.job_id
        )
        dropped = ()
    return ReimportResult(
        entry_id=pk,
        artifact_id=str(item.artifact_id),
        previous_oid=item.previous_oid,
        new_oid=item.incoming.oid,
        local_changes=item.edited,
        snapshot_id=run.snapshot_id,
        message=_message(item.previous_oid, item.incoming.oid),
        deployments_restored=moved.restored,
        deployments_kept_modified=moved.kept_modified,
        deployments_dropped=dropped,
    )


def _foreseen(pk: int, run: ImportRun, decision: Decision, deployed: Sequence[UUID]) -> ReimportResult:
    told, target = run.rehearsed[pk], decision.target
    new, previous = told.oid, told.seen.content_oid
    follows = bool(target) and not run.fresh
    moved = would_follow(UUID(target), was=previous, new=new) if follows else Redeployed()
    return ReimportResult(
        entry_id=pk,
        artifact_id=target,
        previous_oid=previous,
        new_oid=new,
        local_changes=told.seen.is_there and told.seen.oid not in (_base(told, target), new),
        snapshot_id="",
        message=_message(previous, new),
        deployments_restored=moved.restored,
        deployments_kept_modified=moved.kept_modified,
        deployments_dropped=forgettable(deployed) if run.fresh else (),
        dry_run=True,
    )


def _base(told: Rehearsed, target: str) -> str:
    """What it was imported with: the record says it, or the index where there is none."""
    if told.seen.record:
        return told.seen.record.base_oid or ""
    return Artifact.objects.values_list("base_oid", flat=True).get(pk=target) if target else ""


def _message(previous: str, new: str) -> str:
    if not previous:
        return "Imported; nothing was on disk."
    return "Nothing has changed upstream; the files were written anew." if previous == new else "Imported anew."
