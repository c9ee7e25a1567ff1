"""Deploying artifacts into a project."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.utils import timezone

from collections_app.domain.deploy_plan import (
    Action,
    Found,
    Key,
    Options,
    Presence,
    Reason,
    Step,
    Wanted,
    plan_deploy,
)
from collections_app.domain.deploy_targets import Profile, TargetShape, target_of
from collections_app.domain.deployed_record import Deployed
from collections_app.domain.drift import DriftState
from collections_app.errors import UnsafePath, UnsupportedTarget
from collections_app.models import Artifact, Project
from collections_app.services.deploy_rows import WORDS, Settled, artifact_label, refused, unknown_row
from collections_app.services.deploy_sources import Source, read_source
from collections_app.services.deployed_view import Known, View, read_view
from collections_app.services.homes import limits
from collections_app.services.project_changes import Documents, Edit, change_in_chunks, expected_at
from collections_app.services.project_holding import HeldProject, check_project, held_project
from collections_app.services.settled_rows import Keep, SettledRows, forget
from collections_app.store.project_disk import ProjectDisk
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """``overwrite``: what nobody deployed, or was edited since, is replaced; ``force``: only the latter."""

    profile: Profile = Profile.CLAUDE_CODE
    overwrite: bool = False
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Planned:
    """An artifact's source, what was found where it goes, and what is to become of it."""

    source: Source
    found: Found
    step: Step


def deploy_artifacts(
    project: Project,
    ids: Sequence[UUID],
    *,
    options: DeployOptions,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
    keep: Keep = forget,
) -> BulkResult:
    """Deploy artifacts into a project; each settles by itself, in chunks of 100 that are whole or not at all.

    A conflict writes nothing of its artifact. After a cancel the rest is deferred. Raises ProjectBusy, ProjectMissing,
    PathNotAllowed, and ManifestInvalid or FormatTooNew for a record of the project that cannot be understood: nothing
    has changed then. Raises JobTimeout and LeaseLost, a dry run Cancelled as well; ``keep`` has what settled before. A
    dry run takes a project that is not registered as well, and holds no lease.
    """
    wanted = list(dict.fromkeys(ids))
    artifacts = Artifact.objects.select_related("collection").in_bulk(wanted)
    told = SettledRows(keep)

    def tell(settled: Mapping[UUID, Settled]) -> None:
        told.settle(one.row(artifact_label(artifacts[pk], pk), pk) for pk, one in settled.items())

    try:
        sources, unread = _read_sources(project, list(artifacts.values()), options.profile, report)
        tell(unread)
        if options.dry_run:
            tell(_rehearsed(project, sources, options))
        else:
            with held_project(project.pk, report) as held:
                deploy_sources(held, sources, options, actor, job_id, tell)
    except Cancelled as error:
        if options.dry_run:
            raise
        told.fail((artifact_label(artifact, pk) for pk, artifact in artifacts.items()), error)
    rows = tuple(told.rows.get(str(pk)) or unknown_row("artifact", pk) for pk in wanted)
    return BulkResult(rows, dry_run=options.dry_run, cancelled=told.cancelled)


def _rehearsed(project: Project, sources: Sequence[Source], options: DeployOptions) -> dict[UUID, Settled]:
    check_project(project.path)
    view = read_view(project)
    planned, _ = _plan(view, sources, options)
    return {item.source.artifact.pk: _foreseen(view, item) for item in planned}


def _read_sources(
    project: Project, artifacts: Sequence[Artifact], profile: Profile, report: Report
) -> tuple[list[Source], dict[UUID, Settled]]:
    sources: list[Source] = []
    failed: dict[UUID, Settled] = {}
    for artifact in artifacts:
        report.tick()
        try:
            sources.append(read_source(artifact))
        except DomainError as error:
            kind = artifact.kind
            failed[artifact.pk] = refused(project, Key(kind, artifact.name, profile) if kind else None, error)
    return sources, failed


def _plan(view: View, sources: Sequence[Source], options: DeployOptions) -> tuple[list[_Planned], Documents]:
    """What is to become of each source, decided on what is on disk now; and the merged files as they are."""
    by_wanted = {
        Wanted(Key(one.kind, one.artifact.name, options.profile), one.oid, one.collection, one.needs_plugin): one
        for one in sources
    }
    # The order in which the plan answers.
    ordered = sorted(by_wanted, key=lambda one: (one.key.kind.value, one.key.name, one.collection, one.oid))
    with ProjectDisk(check_project(view.project.path), limits=limits()) as disk:
        documents = Documents.read(view, disk)
        found = {one.key: _found(disk, documents, one.key, by_wanted[one]) for one in ordered}
    recorded = [known.recorded for known in view.known.values()]
    steps = plan_deploy(by_wanted, recorded, found, Options(options.overwrite, options.force))
    trial = documents.copy()
    planned = []
    for one, step in zip(ordered, steps, strict=True):
        item = _Planned(by_wanted[one], found[one.key], step)
        reason = trial.apply(_edit(view, item, options)) if step.actions and _merged(step) else None
        if reason is not None:  # two of the batch want the same key
            item = replace(item, step=Step(step.key, ItemOutcome.CONFLICT, code=reason, target=step.target))
        planned.append(item)
    return planned, documents


def _found(disk: ProjectDisk, documents: Documents, key: Key, source: Source) -> Found:
    try:
        target = target_of(key.kind, key.name, key.profile)
    except (UnsupportedTarget, UnsafePath):
        return Found(Presence.ABSENT)  # the plan refuses it in its own words
    if target.merge is not None:
        return documents.files[key.kind].look(key, source.payload)
    return disk.look(target.path)


def _merged(step: Step) -> bool:
    return step.target is not None and step.target.shape is TargetShape.KEYS


def _edit(view: View, item: _Planned, options: DeployOptions) -> Edit:
    step, artifact = item.step, item.source.artifact
    assert step.target is not None, "what is written has a target"
    before = view.known.get(step.key)
    old = before.deployed if before else None
    deployed = Deployed(
        kind=step.key.kind,
        name=step.key.name,
        collection=item.source.collection,
        path=step.target.record_path,
        deployed_at=timezone.now(),
        content_oid=item.source.oid,
        profile=step.key.profile,
        content_hash=item.source.oid,
        artifact_uuid=artifact.pk.hex,
        keys=old.keys if old else (),
        extra=old.extra if old else {},
    )
    writes = bool({Action.WRITE, Action.REPLACE} & set(step.actions))
    merged = _merged(step)
    return Edit(
        key=step.key,
        path=step.target.path,
        present=expected_at(item.found.presence, item.found.oid),
        merged=merged,
        known=Known(step.key, deployed, before.id if before else uuid.uuid4(), artifact.pk),
        put=item.source if writes or merged else None,
        overwrite=options.overwrite,
        force=options.force,
    )


def deploy_sources(
    held: HeldProject,
    sources: Sequence[Source],
    options: DeployOptions,
    actor: Actor,
    job_id: UUID | None,
    tell: Callable[[Mapping[UUID, Settled]], None],
) -> None:
    """Deploy into a project that is held; ``tell`` hears of each artifact as soon as it has settled."""
    view = read_view(held.row)
    planned, documents = _plan(view, sources, options)
    items = {item.step.key: item for item in planned if item.step.actions}
    edits = [_edit(view, item, options) for item in items.values()]
    tell({item.source.artifact.pk: _foreseen(view, item) for item in planned if not item.step.actions})

    def audit(done: Sequence[Edit]) -> None:
        artifacts = [str(edit.known.artifact_id) for edit in done if edit.known]
        profile = options.profile.value
        AuditEvent.record(actor, "project.deployed", held.row, job_id=job_id, artifacts=artifacts, profile=profile)

    def settled(item: _Planned, error: DomainError | None) -> Settled:
        if error is None:
            return _foreseen(view, item)
        return refused(held.row, item.step.key, error, item.step.target.path if item.step.target else "")

    def chunk_is_over(keys: Sequence[Key], failed: Mapping[Key, DomainError]) -> None:
        tell({items[key].source.artifact.pk: settled(items[key], failed.get(key)) for key in keys})

    change_in_chunks(held, view, documents, edits, kind="deploy", audit=audit, tell=chunk_is_over)


def _foreseen(view: View, item: _Planned) -> Settled:
    step = item.step
    well = step.outcome in (ItemOutcome.CREATED, ItemOutcome.UPDATED, ItemOutcome.UNCHANGED)
    message = WORDS[step.code] if step.code else ""
    if step.code is Reason.SETTINGS_INVALID:
        message = _why_invalid(view, item) or message
    return Settled(
        project=view.project,
        key=step.key,
        outcome=step.outcome,
        code=step.code.value if step.code else "",
        message=message,
        target=step.target.path if step.target else "",
        known=view.known.get(step.key) if well else None,
        state=DriftState.IN_SYNC if well else None,
        collection=item.source.collection,
        content_oid=item.source.oid if well else "",
    )


def _why_invalid(view: View, item: _Planned) -> str:
    with ProjectDisk(check_project(view.project.path), limits=limits()) as disk:
        problem = view.merged_file(disk, item.step.key.kind).problem()
    return problem.detail if problem else ""
