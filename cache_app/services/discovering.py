"""Looks for projects below the allowed roots, registers what it finds, and forgets what is gone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import structlog
from django.db import transaction
from django.utils import timezone

from cache_app.domain.discovery_plan import Fate, Remembered, Seen, fate
from cache_app.models import Discovery, ProjectState, ReadStatus
from cache_app.services.results import OUTCOME, DiscoveryResult, Unreadable, object_ref, shown_path
from cache_app.services.states import STOPS, write_states
from cache_app.services.status import discovery_stats
from cache_app.services.walking import Walked, is_gone, walk
from collections_app.errors import ProjectExists
from collections_app.models import Project
from collections_app.services.deployed_view import same_rows, views_of
from collections_app.services.homes import home, project_roots
from collections_app.services.project_reading import Found, find_records
from collections_app.services.projects import forget_project, project_path, register_found, sync_rows
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import Row
from skillmeat_site.upstream.errors import PathNotAllowed

log = structlog.get_logger(__name__)

STATES_PER_TRANSACTION = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """One folder: what stands there, what is known of it, and what is to become of it. ``registered``: just now."""

    path: str
    fate: Fate
    project: Project | None = None
    found: Found = field(default_factory=Found)
    error: DomainError | None = None
    registered: bool = False

    @property
    def is_new(self) -> bool:
        """A project that nobody registered: also one whose record is not understood, so that people see it."""
        return self.project is None and (self.fate is Fate.ADDED or self.found.error is not None)


def discover_projects(*, actor: Actor, report: Report, dry_run: bool = False) -> DiscoveryResult:
    """Bring the list of projects up to what the disk has. Nothing of a project's own is written.

    A project is added when its record is found, changed when the record says something else than before, and removed
    when its folder is gone, or, if a discovery had added it, its record. What cannot be read is an error row and stays
    as it was; unread is not gone.
    """
    began = timezone.now()
    walked = walk(project_roots(), skip=home().path, tick=report.tick)
    looked = _Look(walked).all()
    if not dry_run:
        looked = _apply(looked, actor, report)
        _remember(looked)
    result = _result(looked, walked, dry_run=dry_run)
    if not dry_run:
        counts = {word.value: number for word, number in result.counts.items()}
        Discovery.objects.update_or_create(pk=Discovery.ONLY, defaults={"scanned_at": began, "counts": counts})
        log.info("cache.discovered", folders=walked.folders, errors=len(result.errors), **counts)
        result = _result(looked, walked, dry_run=False)
    return result


class _Look:
    """Looks at every folder that was found, and at every project that was not. Writes nothing."""

    def __init__(self, walked: Walked) -> None:
        self._walked = walked
        self._roots = [os.path.realpath(root) for root in project_roots()]
        self._known = {row.path: row for row in Project.objects.select_related("cached").order_by("path")}

    def all(self) -> list[Looked]:
        paths = sorted({*self._walked.projects, *self._known})
        return [looked for path in paths if (looked := self._one(path)) is not None]

    def _one(self, path: str) -> Looked | None:
        project = self._known.get(path)
        if project is not None and path not in self._found:
            seen, found = self._missed(path, _device(project))
        else:
            found = find_records(path)
            seen = _seen(found)
        if project is None and seen is Seen.FOLDER:
            return None  # its record went while we looked
        error = found.error
        if project is None and error is None:
            error = _refusal(path)
        remembered = self._remembered(project, found) if project is not None else None
        end = Fate.ERROR if error is not None and seen is not Seen.GONE else fate(seen, found.fingerprint, remembered)
        return Looked(path, end, project, found, error)

    @cached_property
    def _found(self) -> frozenset[str]:
        return frozenset(self._walked.projects)

    def _missed(self, path: str, device: str) -> tuple[Seen, Found]:
        """A project in which the walk found no record, or which it did not come to."""
        if not any(path == root or path.startswith(root.rstrip("/") + "/") for root in self._roots):
            return Seen.UNKNOWN, Found(error=PathNotAllowed("The project is not below an allowed root."))
        if is_gone(path, project_roots(), device):
            return Seen.GONE, Found()
        found = find_records(path)
        return _seen(found), found

    def _remembered(self, project: Project, found: Found) -> Remembered:
        state = _state(project)
        if state is not None and state.fingerprint:
            return Remembered(state.fingerprint, state.discovered)
        agree = True
        if found.records is not None:
            (view,) = views_of([(project, found.records)])
            agree = same_rows(view)
        return Remembered("", state is not None and state.discovered, agree)


def _seen(found: Found) -> Seen:
    if found.error is not None:
        return Seen.UNKNOWN
    return Seen.PROJECT if found.recorded else Seen.FOLDER


def _refusal(path: str) -> DomainError | None:
    """Why a folder cannot be registered: its path is too long, or no text."""
    try:
        project_path(path)
    except DomainError as error:
        return error
    return None


def _state(project: Project) -> ProjectState | None:
    return getattr(project, "cached", None)


def _device(project: Project) -> str:
    state = _state(project)
    return state.device if state is not None else ""


def _apply(looked: list[Looked], actor: Actor, report: Report) -> list[Looked]:
    """Register, forget, and let rows follow records. What is refused becomes an error; the rest goes on."""
    done = []
    for number, one in enumerate(looked):
        report.progress(number, len(looked), shown_path(one.path))
        try:
            done.append(_applied(one, actor, report))
        except STOPS:
            raise
        except DomainError as error:
            done.append(replace(one, fate=Fate.ERROR, error=error))
    return done


def _applied(one: Looked, actor: Actor, report: Report) -> Looked:
    if one.is_new:
        try:
            project = register_found(one.path, one.found.records, actor=actor)
        except ProjectExists as known:  # somebody was faster
            return replace(one, project=Project.objects.filter(pk=known.data["project_id"]).first())
        return replace(one, project=project, registered=True)
    if one.project is not None and one.fate is Fate.REMOVED:
        forget_project(one.project, actor=actor)
    elif one.project is not None and one.fate is Fate.CHANGED:
        sync_rows(one.project, report)
    return one


def _remember(looked: list[Looked]) -> None:
    """Write what was seen of each project that stays."""
    now = timezone.now()
    good, bad = [], []
    for one in looked:
        if one.project is None or one.fate is Fate.REMOVED:
            continue
        known = _state(one.project)
        state = ProjectState(project=one.project, discovered=one.registered)
        if one.fate is Fate.ERROR and one.error is not None:
            state.status, state.checked_at = ReadStatus.ERROR, now
            state.error_code, state.error_detail = one.error.code, one.error.detail
            bad.append(state)
        elif known is None or (known.fingerprint, known.device) != (one.found.fingerprint, one.found.device):
            state.fingerprint, state.device = one.found.fingerprint, one.found.device
            good.append(state)
    for states, columns in ((good, _GOOD), (bad, _BAD)):
        for start in range(0, len(states), STATES_PER_TRANSACTION):
            with transaction.atomic():
                write_states(states[start : start + STATES_PER_TRANSACTION], columns)


_GOOD = ("fingerprint", "device")
_BAD = ("status", "error_code", "error_detail", "checked_at")


def _result(looked: list[Looked], walked: Walked, *, dry_run: bool) -> DiscoveryResult:
    errors = {
        one.path: Unreadable(one.project.pk if one.project else None, one.path, one.error)
        for one in looked
        if one.fate is Fate.ERROR and one.error is not None
    }
    for path, error in walked.broken.items():
        errors.setdefault(path, Unreadable(None, path, error))
    counts: Mapping[Fate, int] = Counter(one.fate for one in looked if one.fate is not Fate.ERROR)
    rows = [
        Row(object_ref(one.project.pk if one.project else None, one.path), OUTCOME[one.fate], detail=_told(one))
        for one in looked
        if one.fate is not Fate.ERROR
    ]
    listed = tuple(errors[path] for path in sorted(errors))
    entries = counts.get(Fate.ADDED, 0) - counts.get(Fate.REMOVED, 0) if dry_run else 0
    return DiscoveryResult(
        counts, listed, (*rows, *(error.row for error in listed)), discovery_stats(more=entries), dry_run
    )


def _told(one: Looked) -> dict[str, str]:
    return {"path": shown_path(one.path)}
