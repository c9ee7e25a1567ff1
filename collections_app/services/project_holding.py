"""A project, held for one change: leased, inside the allowed roots, and with nothing unfinished on its disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from collections_app.errors import ProjectBusy, ProjectMissing
from collections_app.models import Project
from collections_app.services.homes import home, project_roots
from collections_app.services.recovery import settle_disk
from collections_app.store.layout import Root
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.errors import PathNotAllowed

WORK = ".claude/.skillmeat"
"""Where disk transactions work, whatever the profile: one place to look for what is unfinished."""


@dataclass(frozen=True, slots=True)
class HeldProject:
    """``row`` is as it was when the lease was taken."""

    row: Project
    lease: Lease
    report: Report

    @property
    def folder(self) -> Path:
        return Path(self.row.path)

    @property
    def root(self) -> Root:
        return Root(self.folder, work=WORK)


@contextmanager
def held_project(pk: int, report: Report) -> Iterator[HeldProject]:
    """Hold a project, renewed by every tick of ``report``.

    Raises NotFound, ProjectBusy while another holds it, and as ``check_project`` where its folder is no more what was
    registered: nothing is made anew.
    """
    row = Project.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no project {pk}.")
    settle_disk(Path(row.path), ProjectBusy, project_id=row.pk)
    lease = Lease.acquire(Project, row.pk)
    if lease is None:
        raise ProjectBusy(data={"project_id": row.pk})
    report.keep(lease)
    try:
        settle_disk(Path(row.path), ProjectBusy, project_id=row.pk)
        check_project(row.path)
        row.refresh_from_db()
        yield HeldProject(row, lease, report)
    finally:
        report.drop(lease)
        lease.release()


def check_project(path: str) -> Path:
    """The folder, with its links resolved, if projects may be there and a folder it is.

    Raises PathNotAllowed for one outside the allowed roots, wherever a link leads, and for SKILLMEAT_HOME itself and
    what is in it; ProjectMissing where there is no folder.
    """
    real = Path(os.path.realpath(path))
    roots = [Path(os.path.realpath(root)) for root in project_roots()]
    if not any(real.is_relative_to(root) for root in roots):
        raise PathNotAllowed("The project is not below an allowed root (SKILLMEAT_PROJECT_ROOTS).")
    if real.is_relative_to(os.path.realpath(home().path)):
        raise PathNotAllowed("What SkillMeat keeps for itself is no project.")
    try:
        is_folder = stat.S_ISDIR(real.stat().st_mode)
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        raise ProjectMissing(f"There is no folder {real.name!a}, or it cannot be reached.")
    return real
