"""Importing entries of one source into one collection: choose, plan, and have it carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.utils import timezone

from collections_app.domain.import_plan import Action, Decision, Wanted, plan_import
from collections_app.domain.names import check_slug
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.models import Collection
from collections_app.services.holding import held_collection
from collections_app.services.installing import occupants
from marketplace.models import CatalogEntry, EntryImport, Source
from marketplace.services.import_choice import artifact_name, importable
from marketplace.services.import_delivery import carry_out, rehearse
from marketplace.services.import_results import ImportResult
from marketplace.services.import_run import ImportOptions, ImportRun
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import ItemOutcome


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
    chunks of 100, each whole or not at all. Raises UnsafePath (no slug), CollectionBusy, ManifestInvalid, and
    UpstreamError by kind where the repository cannot be read at all: nothing has changed then. A dry run takes no
    lease, reads upstream like the run would, and says what the run would say.
    """
    check_slug(options.collection)
    started = timezone.now()
    run = ImportRun(source, options, actor, report, job_id)
    wanted = importable(run, ids)
    if wanted and options.dry_run:
        row = Collection.objects.filter(slug=options.collection).first()
        rehearse(run, wanted, _plan(run, wanted, row))
    elif wanted:
        with held_collection(options.collection, report, create=True) as held:
            decisions = _plan(run, wanted, held.row)
            if decisions:
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


def _plan(run: ImportRun, wanted: Sequence[CatalogEntry], collection: Collection | None) -> dict[int, Decision]:
    """What to do about each entry that is to be fetched; those that are settled by the plan alone are settled."""
    links = _links(wanted, collection)
    asked = [
        Wanted(entry.pk, ArtifactKind(entry.type), artifact_name(entry), _id_of(links.get(entry.pk)))
        for entry in wanted
        if not _done_before(run, entry, links.get(entry.pk))
    ]
    refs = [ArtifactRef(want.kind, want.name) for want in asked]
    there = occupants(collection, refs) if collection else []
    decisions = plan_import(asked, [*there, *run.options.taken], run.options.strategy)
    entries = {entry.pk: entry for entry in wanted}
    taken: dict[int, Decision] = {}
    for decision in decisions:
        if decision.action in (Action.CREATE, Action.REPLACE):
            taken[decision.key] = decision
        else:
            run.settle(
                entries[decision.key],
                _OUTCOMES[decision.action],
                artifact_id=decision.target,
                name=decision.ref.name,
                conflict_with=decision.taken_by,
                code=decision.code,
                error=decision.detail,
            )
    return taken


_OUTCOMES: Mapping[Action, ItemOutcome] = {
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


def _links(wanted: Sequence[CatalogEntry], collection: Collection | None) -> dict[int, EntryImport]:
    """The artifact that each entry was last imported as into this collection: one statement."""
    if collection is None:
        return {}
    made = EntryImport.objects.filter(entry__pk__among=[entry.pk for entry in wanted], artifact__collection=collection)
    return {link.entry_id: link for link in made.order_by("pk").select_related("artifact")}
