"""Importing anew what was imported before: into itself, whatever it is called, and whatever became of its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from collections_app.domain.import_plan import Action, Decision
from collections_app.domain.names import collision_key
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.errors import NameTaken
from collections_app.models import Artifact
from collections_app.services.deploying import Redeployed, deployments_of, forget_deployments, redeploy_clean
from collections_app.services.holding import DEFAULT, HeldCollection, held_collection
from collections_app.services.installing import Installed, occupants
from marketplace.errors import CollectionRequired, NotImportable
from marketplace.models import CatalogEntry, EntryImport, Source
from marketplace.services.import_results import ReimportResult
from marketplace.services.importing import (
    ImportOptions,
    ImportRun,
    artifact_name,
    carry_out,
    why_not_importable,
)
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

    One snapshot per collection, before its first change; one upstream batch. Raises UpstreamError by kind where the
    repository cannot be read at all.
    """
    results: dict[int, Reimported] = {}
    groups: dict[str, list[CatalogEntry]] = {}
    known = source.entries.in_bulk(list(ids))
    for pk in dict.fromkeys(ids):
        try:
            entry = _reimportable(source, known.get(pk), pk)
            groups.setdefault(_collection_of(entry, options), []).append(entry)
        except DomainError as error:
            results[pk] = error
    for slug, entries in groups.items():
        run = ImportRun(
            source,
            ImportOptions(collection=slug, dry_run=options.dry_run),
            actor,
            report,
            job_id,
            reason=BEFORE_REIMPORT,
            fresh=not options.keep_deployments,
        )
        results |= _reimport(run, slug, entries, options)
    return results


def _reimportable(source: Source, entry: CatalogEntry | None, pk: int) -> CatalogEntry:
    if entry is None:
        raise NotFound(f"Source {source.pk} has no entry {pk}.")
    if reason := why_not_importable(entry):
        raise NotImportable(reason)
    return entry


def _collection_of(entry: CatalogEntry, options: ReimportOptions) -> str:
    if options.collection:
        return options.collection
    slugs = sorted(set(EntryImport.objects.filter(entry=entry).values_list("artifact__collection__slug", flat=True)))
    if len(slugs) > 1:
        raise CollectionRequired(f"It is imported into {', '.join(slugs)}: say which.", data={"collections": slugs})
    return slugs[0] if slugs else DEFAULT


def _reimport(
    run: ImportRun, slug: str, entries: Sequence[CatalogEntry], options: ReimportOptions
) -> dict[int, Reimported]:
    with held_collection(slug, run.report, create=not options.dry_run) as held:
        decisions, results = _decide(held, entries)
        if options.dry_run:
            return results | {entry.pk: _foreseen(entry, decisions) for entry in entries if entry.pk in decisions}
        deployed = deployments_of([UUID(decision.target) for decision in decisions.values() if decision.target])
        carry_out(run, held, [entry for entry in entries if entry.pk in decisions], decisions)
    for pk, decision in decisions.items():
        item = run.installed.get(pk)
        if item is None:
            results[pk] = run.failures[pk]
        else:
            results[pk] = _finished(run, pk, item, deployed.get(decision.target, ()))
    return results


def _decide(
    held: HeldCollection, entries: Sequence[CatalogEntry]
) -> tuple[dict[int, Decision], dict[int, Reimported]]:
    """Each entry goes to the artifact that its last import made; without one, to a name that nobody has."""
    made = EntryImport.objects.filter(entry__in=entries, artifact__collection=held.row).order_by("pk")
    links = dict(made.values_list("entry_id", "artifact_id"))
    own = Artifact.objects.in_bulk(list(links.values()))
    taken = {(holder.ref.type, collision_key(holder.ref.name)): str(holder.ref) for holder in occupants(held)}
    decisions: dict[int, Decision] = {}
    refused: dict[int, Reimported] = {}
    for entry in entries:
        artifact = own.get(links[entry.pk]) if entry.pk in links else None
        if artifact is not None:
            ref = ArtifactRef(artifact.type, artifact.name)
            decisions[entry.pk] = Decision(entry.pk, Action.REPLACE, ref, target=str(artifact.pk))
            continue
        ref = ArtifactRef(ArtifactKind(entry.type), artifact_name(entry))
        key = (ref.type, collision_key(ref.name))
        if key in taken:
            refused[entry.pk] = NameTaken(f"{taken[key]} is in the way: remove it, or import with another strategy.")
            continue
        taken[key] = str(ref)
        decisions[entry.pk] = Decision(entry.pk, Action.CREATE, ref)
    return decisions, refused


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


def _foreseen(entry: CatalogEntry, decisions: Mapping[int, Decision]) -> ReimportResult:
    target = decisions[entry.pk].target
    previous = Artifact.objects.values_list("content_oid", "base_oid").get(pk=target) if target else ("", "")
    return ReimportResult(
        entry_id=entry.pk,
        artifact_id=target,
        previous_oid=previous[0],
        new_oid=entry.content_oid,
        local_changes=previous[0] not in ("", previous[1], entry.content_oid),
        snapshot_id="",
        message=_message(previous[0], entry.content_oid),
        dry_run=True,
    )


def _message(previous: str, new: str) -> str:
    if not previous:
        return "Imported; nothing was on disk."
    return "Nothing has changed upstream; the files were written anew." if previous == new else "Imported anew."
