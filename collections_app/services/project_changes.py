"""The one way a project's files are changed: targets, merged files, records and rows, whole or not at all.

A chunk of changes is one disk transaction, whose commit point is a row in the database transaction that tells of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import transaction

from collections_app.domain.deploy_plan import Key, Presence, Reason
from collections_app.domain.deploy_targets import Profile
from collections_app.domain.deployed_record import FORMAT, Deployed
from collections_app.domain.merged_files import KINDS, MERGE_PROFILE, PATHS, MergedFile
from collections_app.domain.types import ArtifactKind
from collections_app.errors import UnsafePath
from collections_app.models import DiskOperation
from collections_app.services.deploy_sources import Source
from collections_app.services.deployed_view import Known, RecordFile, View, read_view, write_rows
from collections_app.services.homes import limits
from collections_app.services.project_holding import HeldProject
from collections_app.services.recovery import committed_disk, disk_transaction
from collections_app.services.settled_rows import STOPS
from collections_app.store.content_ids import blob_oid
from collections_app.store.project_disk import ProjectDisk
from collections_app.store.transaction import WHATEVER, DiskTransaction, Expected
from skillmeat_site.core.errors import DomainError

CHUNK = 100
"""So many deployments share one journal, one record and one database transaction."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One deployment to be changed.

    ``known``: what is on record afterwards; None: it is forgotten. ``put``: the files or keys that come there.
    ``remove``: what is at ``path`` goes. Neither: only the record changes. ``force``: edited keys go as well.
    """

    key: Key
    path: str
    present: Expected
    merged: bool
    known: Known | None = None
    put: Source | None = None
    remove: bool = False
    overwrite: bool = False
    force: bool = False


@dataclass(slots=True)
class Documents:
    """The merged files of a project. Read once; ``flush`` tells what has become of them since the last time."""

    files: dict[ArtifactKind, MergedFile]
    before: dict[ArtifactKind, bytes | None] = field(default_factory=dict)

    @classmethod
    def read(cls, view: View, disk: ProjectDisk) -> Documents:
        files = {kind: view.merged_file(disk, kind) for kind in KINDS}
        return cls(files, {kind: file.data for kind, file in files.items()})

    def copy(self) -> Documents:
        return Documents({kind: file.copy() for kind, file in self.files.items()}, dict(self.before))

    def advance(self, trial: Documents) -> None:
        """Be as ``trial``, whose files are on disk now."""
        self.files = trial.files
        self.before = {kind: file.data for kind, file in trial.files.items()}

    def apply(self, edit: Edit) -> Reason | None:
        """Put a deployment's keys in or take them out; why not, if not. Raises SettingsInvalid."""
        file = self.files[edit.key.kind]
        if edit.put is not None and edit.put.payload is not None:
            conflicts = file.put(edit.key, edit.put.payload, overwrite=edit.overwrite, force=edit.force)
        elif edit.remove:
            conflicts = file.take(edit.key, force=edit.force)
        else:
            file.forget(edit.key)
            return None
        return Reason(conflicts[0].code.value) if conflicts else None


def expected_at(presence: Presence, oid: str | None) -> Expected:
    """What a swap has to find: the id that the plan saw, nothing, or (what has no id) whatever is there."""
    if presence is Presence.ABSENT:
        return None
    return WHATEVER if oid is None else oid


Audit = Callable[[Sequence[Edit]], None]
"""Writes the audit event of edits that came about; called inside their transaction."""
Tell = Callable[[Sequence[Key], Mapping[Key, DomainError]], None]
"""Hears of a chunk that is over: what it was about, and what of it failed."""


def nobody(keys: Sequence[Key], failed: Mapping[Key, DomainError]) -> None:
    """Who gets to know in the end is told enough."""


def change_in_chunks(
    held: HeldProject,
    view: View,
    documents: Documents,
    edits: Sequence[Edit],
    *,
    kind: str,
    audit: Audit,
    tell: Tell = nobody,
) -> dict[Key, DomainError]:
    """Carry out any number of edits; return those that failed. A chunk that fails as a whole leaves the others be.

    Raises what stops a job: what ``tell`` has heard of stands.
    """
    failed: dict[Key, DomainError] = {}
    for start in range(0, len(edits), CHUNK):
        chunk = edits[start : start + CHUNK]
        held.report.progress(start, len(edits), held.row.name)
        try:
            lost = change_project(held, view, documents, chunk, kind=kind, audit=audit)
        except STOPS:
            raise
        except DomainError as error:
            lost = {edit.key: error for edit in chunk}
        tell([edit.key for edit in chunk], lost)
        failed |= lost
    return failed


def change_project(
    held: HeldProject, view: View, documents: Documents, edits: Sequence[Edit], *, kind: str, audit: Audit
) -> dict[Key, DomainError]:
    """Carry out at most ``CHUNK`` edits; return those that failed, which are as they were.

    Everything else is done when this returns: files, keys, records and rows agree, and ``view`` and ``documents`` tell
    of them. Raises LeaseLost, DiskFull, or what refuses a merged file or record: then nothing has changed, neither on
    disk nor in ``view`` and ``documents``.
    """
    trial = documents.copy()
    with disk_transaction(held.root, held.lease, kind=kind, limits=limits()) as disk:
        failed = _swap_files(held, disk, edits)
        done = [edit for edit in edits if edit.key not in failed]
        if not done:
            return failed
        for edit in done:
            if edit.merged and (reason := trial.apply(edit)) is not None:
                raise UnsafePath(f"{edit.path}: {reason.value}, which the plan did not see.")
        after = _after(view, trial, done)
        _swap_documents(held, disk, view, trial, after)
        with committed_disk(disk), transaction.atomic(durable=True):
            held.lease.fence()
            DiskOperation.objects.create(id=disk.op)
            write_rows(view, after)
            audit(done)
    documents.advance(trial)
    view.advance(read_view(held.row))
    return failed


def _swap_files(held: HeldProject, disk: DiskTransaction, edits: Sequence[Edit]) -> dict[Key, DomainError]:
    failed: dict[Key, DomainError] = {}
    targets: dict[str, Key] = {}
    ours = {*PATHS.values(), *(edit.key.profile.record for edit in edits)}
    for edit in edits:
        held.report.tick()
        if edit.merged or not (edit.put or edit.remove):
            continue
        try:
            if edit.path in targets or edit.path in ours:
                raise UnsafePath(f"{edit.path[:80]!a} belongs to something else.")
            _plan(disk, edit)
        except STOPS:
            raise
        except DomainError as error:
            failed[edit.key] = error
        else:
            targets[edit.path] = edit.key
    for swapped in disk.apply() if targets else ():
        if swapped.error is not None:
            failed[targets[swapped.target]] = swapped.error
    return failed


def _plan(disk: DiskTransaction, edit: Edit) -> None:
    if edit.put is None:
        disk.delete(edit.path, expected=edit.present)
        return
    staged = disk.stage.add_copy(edit.put.path, expected_oid=edit.put.oid, limits=limits())
    disk.put(edit.path, staged, expected=edit.present)


def _after(view: View, documents: Documents, done: Sequence[Edit]) -> dict[Key, Known]:
    after = dict(view.known)
    for edit in done:
        if edit.known is None:
            after.pop(edit.key, None)
        else:
            keys = documents.files[edit.key.kind].owned.get(edit.key, ()) if edit.merged else ()
            after[edit.key] = replace(edit.known, deployed=replace(edit.known.deployed, keys=keys))
    return after


def _swap_documents(
    held: HeldProject, disk: DiskTransaction, view: View, documents: Documents, after: Mapping[Key, Known]
) -> None:
    """The merged files and the records, with what else of the plan is left: all or nothing."""
    with ProjectDisk(held.folder, limits=limits()) as project:
        for kind, file in documents.files.items():
            _document(disk, project, file.path, documents.before[kind], file.data)
        for profile, record in view.records.items():
            if _of(profile, after) != _of(profile, view.known):
                containers = dict(record.file.containers)
                if profile is MERGE_PROFILE:
                    containers |= {file.path: file.containers for file in documents.files.values()}
                new = view.record_of(profile, after, containers)
                _record(disk, project, profile.record, record, new)
    disk.apply(together=True)


def _of(profile: Profile, known: Mapping[Key, Known]) -> list[Deployed]:
    return [one.deployed for key, one in known.items() if key.profile is profile]


def _record(disk: DiskTransaction, project: ProjectDisk, path: str, record: RecordFile, new: bytes | None) -> None:
    _document(disk, project, path, record.raw, new)
    if record.raw is not None and record.file.format < FORMAT and project.permissions(f"{path}.v1") is None:
        disk.put(f"{path}.v1", disk.stage.add_file(record.raw), expected=None)


def _document(disk: DiskTransaction, project: ProjectDisk, path: str, old: bytes | None, new: bytes | None) -> None:
    """Plan a new version of a file that was read as ``old``; it keeps its permissions."""
    if new == old:
        return
    expected = None if old is None else blob_oid(old)
    if new is None:
        disk.delete(path, expected=expected)
    else:
        staged = disk.stage.add_file(new, permissions=project.permissions(path))
        disk.put(path, staged, expected=expected)
