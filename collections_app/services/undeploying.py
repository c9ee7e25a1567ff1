"""Taking deployments back, or letting go of them: from the project's disk, from its record, from the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from collections_app.domain.deploy_plan import Action, Found, Key, Options, Presence, Step, plan_undeploy
from collections_app.models import Artifact, Deployment
from collections_app.services.deploy_rows import WORDS, Settled, refused, unknown_row
from collections_app.services.deployed_view import Known, View, key_of, read_view
from collections_app.services.homes import limits
from collections_app.services.project_changes import Documents, Edit, change_in_chunks, expected_at
from collections_app.services.project_holding import HeldProject, check_project, held_project
from collections_app.services.settled_rows import STOPS, Keep, SettledRows, forget
from collections_app.store.project_disk import ProjectDisk
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UndeployOptions:
    """``force``: what was edited since goes as well."""

    force: bool = False
    dry_run: bool = False


def deployment_ref(row: Deployment) -> ObjectRef:
    return ObjectRef("deployment", str(row.pk), str(row))


def undeploy(
    ids: Sequence[UUID],
    *,
    options: UndeployOptions,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
    keep: Keep = forget,
) -> BulkResult:
    """Remove exactly what deploying added, project by project; each deployment settles by itself.

    One that was edited in the project is skipped, code ``modified``, unless ``force``. Where nothing is left on disk
    the record goes. A project that is busy, gone or has a record that cannot be understood fails its own rows only.
    After a cancel the rest is deferred. Raises JobTimeout and LeaseLost, a dry run Cancelled as well; ``keep`` has
    what settled before.
    """
    wanted = list(dict.fromkeys(ids))
    told, groups = SettledRows(keep), _by_project(wanted)

    def tell(settled: Mapping[Deployment, Settled]) -> None:
        told.settle(one.row(deployment_ref(row), row.artifact_id) for row, one in settled.items())

    for group in groups.values():
        project = group[0].project
        try:
            if options.dry_run:
                check_project(project.path)
                _undeploy(None, read_view(project), group, options, actor, job_id, tell)
            else:
                with held_project(project.pk, report) as held:
                    _undeploy(held, read_view(held.row), group, options, actor, job_id, tell)
        except (JobTimeout, LeaseLost):
            raise
        except Cancelled as error:
            if options.dry_run:
                raise
            told.fail((deployment_ref(row) for rows in groups.values() for row in rows), error)
            break
        except DomainError as error:
            left = [row for row in group if str(row.pk) not in told.rows]
            tell({row: refused(project, key_of(row), error, row.target) for row in left})
    rows = tuple(told.rows.get(str(pk)) or unknown_row("deployment", pk) for pk in wanted)
    return BulkResult(rows, dry_run=options.dry_run, cancelled=told.cancelled)


def deployments_of(artifacts: Sequence[UUID]) -> Mapping[str, Sequence[UUID]]:
    """The deployments of artifacts, by the artifact's id as text.

    Those too that an earlier artifact of the same name in the same collection has left behind: it was replaced, and
    the process that should have let go of them died before it did.
    """
    found: dict[str, list[UUID]] = {}
    rows = Deployment.objects.filter(artifact_id__in=list(artifacts)).order_by("pk")
    for pk, artifact_id in rows.values_list("pk", "artifact_id"):
        found.setdefault(str(artifact_id), []).append(pk)
    names = {
        (slug, type_, name): str(pk)
        for pk, slug, type_, name in Artifact.objects.filter(pk__in=list(artifacts)).values_list(
            "pk", "collection__slug", "type", "name"
        )
    }
    left = Deployment.objects.filter(artifact=None, name__in={name for _, _, name in names}).order_by("pk")
    for row in left:
        heir = names.get((row.collection_slug, row.type, row.name))
        if heir is not None:
            found.setdefault(heir, []).append(row.pk)
    return found


def forget_deployments(ids: Sequence[UUID], *, actor: Actor, report: Report) -> tuple[str, ...]:
    """Drop deployments from rows and records; their files stay, and are no longer ours.

    Returns ``project:target`` of each that was let go. A project that cannot be changed now keeps its records, and is
    logged. Raises LeaseLost and what stops a job.
    """

    def forget(group: Sequence[Deployment]) -> list[str]:
        with held_project(group[0].project_id, report) as held:
            return _forget(held, read_view(held.row), group, actor)

    return _letting_go(ids, forget)


def forgettable(ids: Sequence[UUID]) -> tuple[str, ...]:
    """What ``forget_deployments`` would return. Takes no lease, changes nothing."""

    def told(group: Sequence[Deployment]) -> list[str]:
        check_project(group[0].project.path)
        return [_name(row) for row in _known(read_view(group[0].project), group).values()]

    return _letting_go(ids, told)


def _letting_go(ids: Sequence[UUID], let_go: Callable[[Sequence[Deployment]], list[str]]) -> tuple[str, ...]:
    dropped: list[str] = []
    for group in _by_project(ids).values():
        try:
            dropped += let_go(group)
        except STOPS:
            raise
        except DomainError as error:
            log.warning("deployments.not_forgotten", project=group[0].project_id, code=error.code, detail=error.detail)
    return tuple(dropped)


def _known(view: View, group: Sequence[Deployment]) -> dict[Key, Deployment]:
    return {key: row for row in group if (key := key_of(row)) is not None and key in view.known}


def _name(row: Deployment) -> str:
    return f"{row.project.name}:{row.target}"


def _by_project(ids: Sequence[UUID]) -> dict[int, list[Deployment]]:
    groups: dict[int, list[Deployment]] = {}
    rows = Deployment.objects.filter(pk__in=list(ids)).select_related("project", "artifact__collection")
    for row in rows.order_by("project__path", "profile", "type", "name"):
        groups.setdefault(row.project_id, []).append(row)
    return groups


def _undeploy(
    held: HeldProject | None,
    view: View,
    group: Sequence[Deployment],
    options: UndeployOptions,
    actor: Actor,
    job_id: UUID | None,
    tell: Callable[[Mapping[Deployment, Settled]], None],
) -> None:
    """``tell`` hears of each deployment as soon as it has settled. Without ``held`` only what would become of them."""
    by_key = {key: row for row in group if (key := key_of(row)) is not None}
    tell(
        {
            row: Settled(view.project, None, ItemOutcome.SKIPPED, "unsupported_target", target=row.target)
            for row in group
            if key_of(row) is None
        }
    )
    with ProjectDisk(check_project(view.project.path), limits=limits()) as disk:
        documents = Documents.read(view, disk)
        found = {key: _found(disk, documents, view, key) for key in by_key}
    recorded = [known.recorded for known in view.known.values()]
    steps = {step.key: step for step in plan_undeploy(list(by_key), recorded, found, Options(force=options.force))}
    before = dict(view.known)

    def chunk_is_over(keys: Iterable[Key], failed: Mapping[Key, DomainError]) -> None:
        tell({by_key[key]: _settled(view, by_key[key], steps[key], before.get(key), failed.get(key)) for key in keys})

    def audit(done: Sequence[Edit]) -> None:
        names = [f"{edit.key.kind}:{edit.key.name}" for edit in done]
        AuditEvent.record(actor, "project.undeployed", view.project, job_id=job_id, artifacts=names)

    changing = {key: step for key, step in steps.items() if step.actions and held is not None}
    chunk_is_over(steps.keys() - changing.keys(), {})
    if held is not None and changing:
        edits = [_edit(view, step, found[key], options) for key, step in changing.items()]
        change_in_chunks(held, view, documents, edits, kind="undeploy", audit=audit, tell=chunk_is_over)


def _settled(view: View, row: Deployment, step: Step, before: Known | None, error: DomainError | None) -> Settled:
    if error is not None:
        return refused(view.project, step.key, error, row.target)
    code, message = (step.code.value, WORDS[step.code]) if step.code else ("", "")
    return Settled(view.project, step.key, step.outcome, code, message, row.target, before)


def _found(disk: ProjectDisk, documents: Documents, view: View, key: Key) -> Found:
    known = view.known.get(key)
    if known is None:
        return Found(Presence.ABSENT)
    return documents.files[key.kind].look(key) if known.merged else disk.look(known.recorded.path)


def _edit(view: View, step: Step, found: Found, options: UndeployOptions) -> Edit:
    known = view.known[step.key]
    return Edit(
        key=step.key,
        path=known.recorded.path,
        present=expected_at(found.presence, found.oid),
        merged=known.merged,
        remove=Action.REMOVE in step.actions,
        force=options.force,
    )


def _forget(held: HeldProject, view: View, group: Sequence[Deployment], actor: Actor) -> list[str]:
    keys = _known(view, group)
    with ProjectDisk(held.folder, limits=limits()) as disk:
        documents = Documents.read(view, disk)
    edits = [Edit(key, view.known[key].recorded.path, present=None, merged=view.known[key].merged) for key in keys]

    def audit(done: Sequence[Edit]) -> None:
        names = [f"{edit.key.kind}:{edit.key.name}" for edit in done]
        AuditEvent.record(actor, "project.deployments_forgotten", view.project, artifacts=names)

    failed = change_in_chunks(held, view, documents, edits, kind="forget", audit=audit) if edits else {}
    return [_name(row) for key, row in keys.items() if key not in failed]
