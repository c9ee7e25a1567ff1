"""What applying a stored plan would do to the files of its artifacts, file by file. Changes neither files nor rows."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collections_app.domain.refresh_options import Filters, RefreshOptions
from collections_app.domain.refresh_plan import Planned, Status, Step
from collections_app.models import RefreshPlan
from collections_app.services.differences import FileDifferences
from collections_app.services.holding import find_collection
from collections_app.services.homes import home, limits
from collections_app.services.refresh_planning import READ_TOGETHER, Files, Prepared, prepare, read_files_of
from collections_app.services.refresh_plans import commits_of, find_plan, hold_to, refuse_stale
from collections_app.store.content_ids import blob_oid
from collections_app.store.content_on_disk import content_of
from collections_app.store.history.differences import Diff, disk_side, file_changes, memory_side
from collections_app.store.history.types import Content
from skillmeat_site.core.errors import REGISTRY, DomainError, NotFound
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.types import FileMode as Mode


@dataclass(frozen=True, slots=True)
class PlannedFiles:
    """One artifact of a plan. ``files``: from what lies here to what applying writes, paths as in the collection.

    ``conflicts``: what both sides changed, where that keeps the plan from touching it (as in the plan's row).
    """

    artifact_id: str
    label: str
    files: FileDifferences
    conflicts: Sequence[Mapping[str, Any]] = ()


def plan_diff(slug: str, plan_id: str, artifact_id: str, *, report: Report) -> PlannedFiles:
    """The files of one artifact of a plan.

    Read at the plan's commit: the very bytes that applying takes, of this artifact alone. Raises NotFound (plan,
    artifact), StalePlan where it can no longer be applied or would come out otherwise, and what reading raises:
    UpstreamError by kind, LimitExceeded, ChangedOnDisk.
    """
    ((_, found),) = plan_diffs(slug, plan_id, [artifact_id], report=report)
    if isinstance(found, DomainError):
        raise found
    return found


def plan_diffs(
    slug: str, plan_id: str, ids: Sequence[str], *, report: Report
) -> Iterator[tuple[str, PlannedFiles | DomainError]]:
    """The same of several artifacts, some at a time in memory; what fails is in its artifact's place."""
    collection = find_collection(slug)
    plan = find_plan(collection, plan_id)
    wanted = _known(plan, ids)
    refuse_stale(plan, collection)
    options = replace(RefreshOptions.of(plan.options), filters=Filters(ids=tuple(wanted)))
    prepared = prepare(collection, options, report, commits_of(plan))
    hold_to(plan, prepared, only=set(wanted))
    folder = home().collection(slug)
    promised = {str(row["artifact_id"]) for row in plan.details if row["status"] == Status.REFRESHED}
    for start in range(0, len(prepared.planned), READ_TOGETHER):
        part = prepared.planned[start : start + READ_TOGETHER]
        takes = [one for one in part if one.step is Step.TAKE]
        taken = {one.mine.ref: files for one, files in read_files_of(prepared.answers, takes, report)}
        for one in part:
            if one.mine.id in promised and not one.changes:
                yield one.mine.id, REGISTRY.get(one.code, DomainError)(one.reason)
                continue
            yield one.mine.id, _compared(folder, one, taken.get(one.mine.ref) or _merged(prepared, one))


def _known(plan: RefreshPlan, ids: Sequence[str]) -> Group[str]:
    """Raises NotFound for an artifact that the plan does not tell of."""
    known = {str(row["artifact_id"]) for row in plan.details}
    for one in ids:
        if one not in known:
            raise NotFound(f"The plan tells of no artifact {one[:60]!r}.")
    return dict.fromkeys(ids)


def _merged(prepared: Prepared, one: Planned) -> Files | None:
    return prepared.merged[one.mine.ref].files if one.step is Step.MERGE else None


def _compared(folder: Path, one: Planned, files: Files | DomainError | None) -> PlannedFiles | DomainError:
    """``files`` None: they stay as they are."""
    if isinstance(files, DomainError):
        return files
    try:
        diff = _diff(folder, one, files) if files is not None else Diff([], disk_side(folder), memory_side({}))
    except DomainError as error:
        return error
    return PlannedFiles(one.mine.id, str(one.mine.ref), FileDifferences(diff), one.conflicts)


def _diff(folder: Path, one: Planned, files: Files) -> Diff:
    is_folder = one.mine.ref.kind is not None and one.mine.ref.kind.is_folder
    data = {_path(one, file.path): file.data for file in files}
    # A single file is written as an ordinary one, whatever it is upstream.
    modes = {_path(one, file.path): Mode(file.mode.value) if is_folder else Mode.FILE for file in files}
    new = {path: Content(modes[path], blob_oid(data[path])) for path in data}
    return Diff(file_changes(_on_disk(folder, one), new), disk_side(folder), memory_side(data))


def _on_disk(folder: Path, one: Planned) -> dict[str, Content]:
    found = content_of(folder / one.mine.path, limits=limits())
    return {_path(one, entry.path): Content(Mode(entry.mode.value), entry.oid) for entry in found.files}


def _path(one: Planned, below: str) -> str:
    return f"{one.mine.path}/{below}" if below else one.mine.path
