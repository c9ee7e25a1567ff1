"""From a collection and its upstreams to what a refresh does: reads only, changes neither files nor rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.conf import settings

from collections_app.domain.names import check_relative, collision_key
from collections_app.domain.refresh_options import RefreshMode, RefreshOptions
from collections_app.domain.refresh_plan import Mine, Planned, Repo, Step, plan_artifact
from collections_app.domain.types import ArtifactRef, FileMode
from collections_app.errors import UnsafePath
from collections_app.models import Collection
from collections_app.services.homes import home
from collections_app.services.installing import check_files
from collections_app.services.listed_tree import Part, bytes_of
from collections_app.services.refresh_merging import MergeConflict, Merged, merge
from collections_app.services.refresh_reading import Reading, read_mine
from collections_app.services.refresh_upstream import Answers, Opened, Question, ask_upstream
from collections_app.services.upstream_contents import Outline, read_files
from collections_app.store.content_ids import check_links
from collections_app.store.staging import NewFile
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.errors import UpstreamRateLimited


@dataclass(slots=True)
class Prepared:
    """A refresh, ready to be carried out: ``planned`` has every artifact once, in order.

    ``cancelled``: somebody has stopped it in the middle.
    """

    reading: Reading
    answers: Answers
    planned: list[Planned]
    merged: dict[ArtifactRef, Merged] = field(default_factory=dict)
    cancelled: bool = False

    @property
    def changes(self) -> list[Planned]:
        return [one for one in self.planned if one.changes]

    @property
    def reset_at(self) -> datetime | None:
        """When the first of the limits that were met is reset."""
        told = [error.reset_at for error in self.answers.limited.values() if error.reset_at]
        return min(told, default=None)

    def settle(self, done: Mapping[ArtifactRef, Planned]) -> None:
        """Put what has become of artifacts in the place of what was planned."""
        self.planned = [done.get(one.mine.ref, one) for one in self.planned]


def prepare(
    collection: Collection, options: RefreshOptions, report: Report, commits: Mapping[Repo, str] | None = None
) -> Prepared:
    """Plan a refresh. ``commits``: where known repositories are read, instead of asking where their refs point to.

    Raises NotFound, ManifestInvalid, DiskDenied, InvalidParameter for unknown ids; what concerns one artifact, or the
    upstream of some, is in their rows.
    """
    reading = read_mine(collection, options.filters)
    question = Question(documents=True, licenses="license" in options.fields, commits=commits or {})
    wanted = [mine for mine in reading.mine if _is_asked(mine, options)]
    answers = ask_upstream(wanted, reading, question, report)
    planned = [plan_artifact(mine, answers.theirs.get(mine.ref), options) for mine in reading.mine]
    prepared = Prepared(reading, answers, planned)
    _refuse_unsafe(prepared, report)
    _merge(collection, prepared, options, report)
    return prepared


def rehearse(prepared: Prepared, report: Report) -> None:
    """Fail now what applying would find wrong in upstream's files: a dry run has to tell it as well.

    Read is only what the listing does not tell the size of. Nothing is asked twice for it: a mirror keeps what it got.
    """
    takes = [one for one in prepared.planned if one.step is Step.TAKE]
    unknown = [
        one for one in takes if any(part.size is None for part in prepared.answers.outlines[one.mine.ref].parts)
    ]
    settled: dict[ArtifactRef, Planned] = {}
    for start in range(0, len(unknown), READ_TOGETHER):
        for one, files in read_files_of(prepared.answers, unknown[start : start + READ_TOGETHER], report):
            try:
                if isinstance(files, DomainError):
                    raise files
                check_files(one.mine.ref, files, one.oid)
            except DomainError as error:
                settled[one.mine.ref] = one.failed_by(error)
    prepared.settle(settled)


def _refuse_unsafe(prepared: Prepared, report: Report) -> None:
    """Fail now what could not be put on the disk later: a dry run has to tell it as well."""
    settled: dict[ArtifactRef, Planned] = {}
    for one in prepared.planned:
        if not one.step.writes_files:
            continue
        outline = prepared.answers.outlines[one.mine.ref]
        try:
            _check_paths(outline)
            links = [part for part in outline.parts if part.mode is FileMode.SYMLINK]
            if links:
                _check_links(prepared.answers.opened[one.mine.repo], links, report)
        except (Cancelled, JobTimeout, LeaseLost):
            raise
        except DomainError as error:
            settled[one.mine.ref] = one.failed_by(error)
    prepared.settle(settled)


def _check_paths(outline: Outline) -> None:
    """Raises UnsafePath: a name that a file system cannot hold, or two that some would take for one."""
    met: dict[str, str] = {}
    for part in outline.parts:
        if part.path:
            check_relative(part.path)
            other = met.setdefault(collision_key(part.path), part.path)
            if other != part.path:
                raise UnsafePath(f"{other} and {part.path} differ only in case.")


def _check_links(opened: Opened, links: Sequence[Part], report: Report) -> None:
    blobs = opened.read_all([link.oid for link in links], max_bytes=MAX_LINK, report=report)
    check_links({link.path: bytes_of(link.oid, blobs).decode("utf-8", "surrogateescape") for link in links})


def _is_asked(mine: Mine, options: RefreshOptions) -> bool:
    return mine.has_upstream and not (options.mode is RefreshMode.SYNC and mine.is_pinned)


def _merge(collection: Collection, prepared: Prepared, options: RefreshOptions, report: Report) -> None:
    """Try the merges, so that the plan tells the conflicts."""
    folder = home().collection(collection.slug)
    to_merge = [one for one in prepared.planned if one.step is Step.MERGE]
    settled: dict[ArtifactRef, Planned] = {}
    for one, files in read_files_of(prepared.answers, to_merge, report):
        ref = one.mine.ref
        if isinstance(files, DomainError):
            settled[ref] = one.failed_by(files)
            continue
        try:
            merged = merge(one.mine, collection.slug, folder, files, options.strategy)
        except MergeConflict as conflict:
            settled[ref] = one.in_conflict(conflict.reason, conflict.conflicts)
        except DomainError as error:
            settled[ref] = one.failed_by(error)
        else:
            prepared.merged[ref] = merged
            settled[ref] = one.merged(merged.oid)
    prepared.settle(settled)


MAX_LINK = 4096
READ_TOGETHER = 20
"""So many artifacts' files are in memory at once."""

Files = tuple[NewFile, ...]


def read_files_of(
    answers: Answers, planned: Sequence[Planned], report: Report
) -> list[tuple[Planned, Files | DomainError]]:
    """Upstream's files of these artifacts, at the commit of the plan, in one batch for each repository.

    What cannot be read is told in its place. A used-up limit defers the rest of that host.
    """
    groups: dict[Repo, list[Planned]] = {}
    for one in planned:
        groups.setdefault(one.mine.repo, []).append(one)
    read: list[tuple[Planned, Files | DomainError]] = []
    for repo, members in groups.items():
        read += _read_group(answers, repo, members, report)
    return read


def _read_group(
    answers: Answers, repo: Repo, members: Sequence[Planned], report: Report
) -> list[tuple[Planned, Files | DomainError]]:
    opened = answers.opened[repo]
    outlines = [answers.outlines[one.mine.ref] for one in members]
    read = partial(opened.read, max_bytes=settings.SKILLMEAT_ARTIFACT_MAX_BYTES, report=report)
    try:
        if limit := answers.limited.get(opened.purse):
            raise limit
        return [(one, files) for one, (_, files) in zip(members, read_files(read, outlines), strict=True)]
    except (Cancelled, JobTimeout, LeaseLost):
        raise
    except DomainError as error:
        if isinstance(error, UpstreamRateLimited):
            answers.limited.setdefault(opened.purse, error)
        return [(one, error) for one in members]
