"""Many projects read from their disks at once: records of every profile, what became of each deployment, and what lies
beside them in no record.

Threads touch the disk only; the database is asked by the caller's thread, a few statements for a whole batch: a disk
that hangs holds neither a connection nor a transaction.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from collections_app.domain.deploy_targets import Profile
from collections_app.models import Artifact, Project
from collections_app.services.deployed_view import Records, View, read_records, same_rows, views_of
from collections_app.services.drift import Drifted, artifacts_of, collection_oid, look_at
from collections_app.services.homes import limits
from collections_app.services.project_holding import check_project
from collections_app.store.disk import meaning
from collections_app.store.project_disk import ProjectDisk
from collections_app.store.project_survey import Loose, survey
from skillmeat_site.core.errors import DomainError

BATCH = 50
"""Projects whose records are in memory at once."""
TICK_SECONDS = 0.5

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class ProjectReading:
    """What a project's disk said, or the ``error`` for which it could not be read.

    ``fingerprint``: of the bytes of its records; ``device``: of the file system that it lies on. ``rows_agree``:
    whether the database has the deployments that the records tell.
    """

    project: Project
    error: DomainError | None = None
    deployed: tuple[Drifted, ...] = ()
    loose: tuple[Loose, ...] = ()
    fingerprint: str = ""
    device: str = ""
    rows_agree: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """The records of a project, as its disk has them. Raises nothing: ``error`` says why there are none."""

    records: Records | None = None
    device: str = ""
    error: DomainError | None = None

    @property
    def recorded(self) -> bool:
        """Whether there is any record, which makes a folder a project."""
        return self.records is not None and any(record.raw is not None for record in self.records.values())

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.records) if self.records is not None else ""


def fingerprint(records: Records) -> str:
    """Tells one state of a project's records from another, by their bytes: no clock has a say in it."""
    told = hashlib.sha256()
    for profile in Profile:
        raw = records[profile].raw
        told.update(b"-" if raw is None else b"+" + hashlib.sha256(raw).digest())
    return told.hexdigest()


def find_records(path: str) -> Found:
    """Read the records of the project at a path. Asks no database."""
    try:
        folder = check_project(path)
        with meaning(folder.name):
            return Found(read_records(str(folder)), str(os.stat(folder).st_dev))
    except DomainError as error:
        return Found(error=error)


def read_projects(
    projects: Iterable[Project], *, concurrency: int, tick: Tick, batch: int = BATCH
) -> Iterator[list[ProjectReading]]:
    """Read projects, a batch at a time, ``concurrency`` of them at once; each one's error is its own.

    What a collection holds of an artifact is read once, however many projects have it. Raises what ``tick`` raises;
    what has not ended by then is left to itself.
    """
    oids: dict[Any, str | None] = {}
    wanted = list(projects)
    with _threads(concurrency) as pool:
        for start in range(0, len(wanted), batch):
            yield _read_batch(pool, wanted[start : start + batch], oids, tick)


def _read_batch(
    pool: ThreadPoolExecutor, projects: Sequence[Project], oids: dict[Any, str | None], tick: Tick
) -> list[ProjectReading]:
    found = _all(pool, find_records, [project.path for project in projects], tick)
    readable = [(one, of) for one, of in zip(projects, found, strict=True) if of.records is not None]
    views = views_of([(project, of.records) for project, of in readable if of.records is not None])
    artifacts = artifacts_of(known for view in views for known in view.known.values())
    new = [artifact for pk, artifact in artifacts.items() if pk not in oids]
    oids |= zip([artifact.pk for artifact in new], _all(pool, _oid, new, tick), strict=True)
    to_see = [(view, of) for view, (_, of) in zip(views, readable, strict=True)]
    seen = {reading.project.pk: reading for reading in _all(pool, partial(_look, oids), to_see, tick)}
    return [
        seen.get(project.pk) or ProjectReading(project, of.error) for project, of in zip(projects, found, strict=True)
    ]


def _oid(artifact: Artifact) -> str | None:
    try:
        with meaning(artifact.name):
            return collection_oid(artifact)
    except DomainError:
        return None


def _look(oids: Mapping[Any, str | None], seen: tuple[View, Found]) -> ProjectReading:
    view, found = seen
    known = list(view.known.values())
    try:
        with meaning(view.project.name), ProjectDisk(Path(view.project.path), limits=limits()) as disk:
            deployed = tuple(look_at(disk, known, oids))
            loose = tuple(survey(disk, {one.recorded.path for one in known}))
    except DomainError as error:
        return ProjectReading(view.project, error)
    return ProjectReading(view.project, None, deployed, loose, found.fingerprint, found.device, same_rows(view))


@contextmanager
def _threads(number: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that nobody waits for when the work is broken off: one may hang on a disk that is gone."""
    pool = ThreadPoolExecutor(max_workers=number, thread_name_prefix="project")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _all(
    pool: ThreadPoolExecutor, action: Callable[[_Given], _Made], given: Sequence[_Given], tick: Tick
) -> list[_Made]:
    futures: list[Future[_Made]] = [pool.submit(action, one) for one in given]
    pending = set(futures)
    while pending:
        _, pending = wait(pending, timeout=TICK_SECONDS)
        tick()
    return [future.result() for future in futures]
