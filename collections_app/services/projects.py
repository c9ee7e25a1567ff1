"""Projects: folders of people into which artifacts are deployed. Register and forget them."""

from __future__ import annotations

import os
from enum import StrEnum

from django.db import IntegrityError, transaction

from collections_app.errors import (
    DiskDenied,
    FormatTooNew,
    ManifestInvalid,
    PathBlocked,
    ProjectBusy,
    ProjectExists,
    ProjectMissing,
    UnsafeLink,
    UnsafePath,
)
from collections_app.models import Project
from collections_app.services.deployed_view import Records, read_view, same_rows, views_of, write_rows
from collections_app.services.project_holding import check_project, held_project
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import FieldProblem, InvalidParameter, LimitExceeded, NotFound
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import ObjectRef
from skillmeat_site.core.text import storable
from skillmeat_site.upstream.errors import PathNotAllowed

MAX_NAME = 200
MAX_PATH = 1000
_UNREADABLE = (
    ManifestInvalid, FormatTooNew, UnsafePath, UnsafeLink, PathBlocked, LimitExceeded, DiskDenied, ProjectBusy,
)  # fmt: skip


class ProjectStatus(StrEnum):
    """Whether anything can be done with a project."""

    OK = "ok"
    MISSING = "missing"  # there is no such folder
    NOT_ALLOWED = "not_allowed"  # the folder is outside the allowed roots


def project_status(project: Project) -> ProjectStatus:
    """Looks at the disk."""
    try:
        check_project(project.path)
    except PathNotAllowed:
        return ProjectStatus.NOT_ALLOWED
    except ProjectMissing:
        return ProjectStatus.MISSING
    return ProjectStatus.OK


def project_ref(project: Project) -> ObjectRef:
    return ObjectRef("project", str(project.pk), str(project))


def register_project(path: str, *, name: str = "", actor: Actor, report: Report) -> Project:
    """Register a folder, and take in what its own record says is deployed there. Writes nothing into it.

    Raises InvalidParameter for what is no path, PathNotAllowed, ProjectMissing, ProjectExists (with ``project_id``).
    """
    row = _register(path, name, actor, None)
    sync_rows(row, report)
    return row


def register_found(path: str, records: Records | None, *, actor: Actor) -> Project:
    """Register a folder with what its records, read just now, say; None: they could not be read.

    Takes no lease: nobody sees the project before its deployments stand beside it. Raises as ``register_project``.
    """
    return _register(path, "", actor, records)


def _register(path: str, name: str, actor: Actor, records: Records | None) -> Project:
    real = project_path(path)
    try:
        with transaction.atomic():
            row = Project.objects.create(path=real, name=_name(name, real))
            AuditEvent.record(actor, "project.registered", row)
            if records is not None:
                (view,) = views_of([(row, records)])
                write_rows(view, view.known)
    except IntegrityError:
        known = Project.objects.filter(path=real).first()
        if known is None:  # it was not the path that the database refused
            raise
        raise ProjectExists(data={"project_id": known.pk}) from None
    return row


def ensure_project(path: str, *, actor: Actor, report: Report) -> Project:
    """The project at this folder, registered if it was not; its rows follow its record. Raises as register_project."""
    try:
        return register_project(path, actor=actor, report=report)
    except ProjectExists:
        row = find_project(path)
        sync_rows(row, report)
        return row


def find_project(path: str) -> Project:
    """The registered project at this folder. Raises NotFound, and as ``project_path``."""
    real = project_path(path)
    row = Project.objects.filter(path=real).first()
    if row is None:
        raise NotFound("The folder is not registered as a project.")
    return row


def project_at(path: str) -> Project:
    """The project at this folder; one that is not registered is not saved. Raises as ``project_path``."""
    real = project_path(path)
    return Project.objects.filter(path=real).first() or Project(path=real, name=_name("", real))


def project_path(path: str) -> str:
    """The one spelling of a project's path: absolute, links resolved.

    Raises InvalidParameter for what is no path, PathNotAllowed, ProjectMissing.
    """
    if not path or storable(path) != path or not os.path.isabs(os.path.expanduser(path)):
        raise _wrong("must be an absolute path")
    real = str(check_project(os.path.expanduser(path)))
    if len(real) > MAX_PATH or storable(real) != real:
        raise _wrong(f"must be text of at most {MAX_PATH} characters")
    return real


def forget_project(project: Project, *, actor: Actor) -> None:
    """Drop a project and its deployments from the database. Nothing on its disk is touched; its record stays.

    Raises ProjectBusy.
    """
    lease = Lease.acquire(Project, project.pk)
    if lease is None:
        raise ProjectBusy(data={"project_id": project.pk})
    try:
        with transaction.atomic():
            lease.fence()
            AuditEvent.record(actor, "project.forgotten", project, path=project.path)
            Project.objects.filter(pk=project.pk).delete()
    finally:
        lease.release()


def sync_rows(project: Project, report: Report) -> bool:
    """Let the rows follow what the project's record says; whether they do now.

    A record that cannot be understood is left alone, and so are the rows; a project that is held is up to its holder.
    """
    try:
        with held_project(project.pk, report) as held:
            view = read_view(held.row)
            if not same_rows(view):
                with transaction.atomic():
                    held.lease.fence()
                    write_rows(view, view.known)
    except _UNREADABLE:
        return False
    return True


def _name(name: str, path: str) -> str:
    return (storable(name).strip() or os.path.basename(path) or path)[:MAX_NAME]


def _wrong(detail: str) -> InvalidParameter:
    return InvalidParameter(f"path: {detail}", errors=(FieldProblem("/path", "invalid", detail),))
