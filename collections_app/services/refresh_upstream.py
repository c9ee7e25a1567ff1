"""Asking upstream on behalf of many artifacts: once per repository and ref, never once per artifact.

One request tells the commit. Nothing more is asked where it is one at which all artifacts' content is known; else one
listing, and, where it is wanted what the artifacts say of themselves, one batch of their documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from collections_app.domain.artifact_document import NOTHING_TOLD, Told, document_files, document_kind, told_by
from collections_app.domain.inline import INLINE
from collections_app.domain.refresh_plan import Failure, Mine, Theirs
from collections_app.domain.types import ArtifactRef
from collections_app.services.listed_tree import bytes_of
from collections_app.services.refresh_reading import LastSeen
from collections_app.services.upstream_contents import Outline, Place, RepositoryTree, inline_oid, read_all
from skillmeat_site.core.documents.frontmatter import MAX_DOCUMENT_BYTES, parse_document
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.upstreams import access_policy, provider_at
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import UpstreamNotFound, UpstreamRateLimited
from skillmeat_site.upstream.types import Blobs, CommitOid, Describes, Head, Provider, RepositoryAddress


class Repo(NamedTuple):
    """A repository at a ref: what is asked about at once."""

    url: str
    ref: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository that was reached: at ``head`` its content is read."""

    address: RepositoryAddress
    provider: Provider
    head: Head

    def read(self, oids: Sequence[str], *, max_bytes: int, report: Report) -> Blobs:
        read = partial(self.provider.read, self.address, self.head, max_bytes=max_bytes, tick=report.tick)
        return read_all(read, oids)


@dataclass(slots=True)
class Answers:
    """What upstream said, by artifact. ``outlines``: of those whose content is another than here."""

    theirs: dict[ArtifactRef, Theirs | Failure] = field(default_factory=dict)
    outlines: dict[ArtifactRef, Outline] = field(default_factory=dict)
    opened: dict[Repo, Opened] = field(default_factory=dict)
    limited: dict[str, UpstreamRateLimited] = field(default_factory=dict)
    """Hosts whose limit is used up."""

    def commits(self) -> dict[Repo, str]:
        return {repo: str(opened.head.commit or "") for repo, opened in self.opened.items()}


@dataclass(frozen=True, slots=True)
class Question:
    """``documents``: also what the artifacts say of themselves. ``commits``: known ones, that nobody is asked for."""

    documents: bool
    licenses: bool = False
    commits: Mapping[Repo, str] = field(default_factory=dict)


def repo_of(mine: Mine) -> Repo:
    return Repo((mine.record.upstream or "") if mine.record else "", mine.follows)


def place_of(mine: Mine) -> Place:
    """Where the artifact is upstream. Only for one that has an upstream."""
    if mine.record is None or mine.ref.kind is None:
        raise ValueError(f"{mine.ref} has no upstream")
    inline = mine.record.extra.get(INLINE)
    return Place(mine.ref.kind, mine.record.upstream_path or "", inline if isinstance(inline, str) else None)


def ask_upstream(
    artifacts: Iterable[Mine], seen: Mapping[str, LastSeen], question: Question, report: Report
) -> Answers:
    """Ask about artifacts that have an upstream. A repository that fails is a Failure of its own artifacts only.

    After a used-up limit nothing more is asked of that host: the rest is deferred. Raises what ``report`` raises.
    """
    groups: dict[Repo, list[Mine]] = {}
    for mine in artifacts:
        groups.setdefault(repo_of(mine), []).append(mine)
    answers = Answers()
    for number, (repo, members) in enumerate(groups.items()):
        report.progress(number, len(groups), repo.url)
        try:
            _ask(repo, members, seen, question, answers, report)
        except (Cancelled, JobTimeout, LeaseLost):
            raise
        except UpstreamRateLimited as error:
            answers.limited.setdefault(_host(repo), error)
            failure = Failure(error.code, error.detail_until, deferred=True)
            answers.theirs |= {mine.ref: failure for mine in members if mine.ref not in answers.theirs}
        except DomainError as error:
            failure = Failure(error.code, error.detail)
            answers.theirs |= {mine.ref: failure for mine in members if mine.ref not in answers.theirs}
    return answers


def _host(repo: Repo) -> str:
    return parse_url(repo.url, access_policy()).host


def _ask(
    repo: Repo,
    members: Sequence[Mine],
    seen: Mapping[str, LastSeen],
    question: Question,
    answers: Answers,
    report: Report,
) -> None:
    address = parse_url(repo.url, access_policy(), ref=repo.ref)
    if address.host in answers.limited:
        raise answers.limited[address.host]
    provider = provider_at(address)
    head = _head(repo, members, seen, question, provider, address, report)
    if head.commit is None:
        raise UpstreamNotFound("the repository is empty")
    opened = answers.opened[repo] = Opened(address, provider, head)
    known = {} if question.documents else _known(members, seen, head.commit)
    answers.theirs |= known
    rest = [mine for mine in members if mine.ref not in known]
    if rest:
        listing = provider.listing(address, head, tick=report.tick)
        _look(opened, RepositoryTree(listing), rest, question, answers, report)


def _head(
    repo: Repo,
    members: Sequence[Mine],
    seen: Mapping[str, LastSeen],
    question: Question,
    provider: Provider,
    address: RepositoryAddress,
    report: Report,
) -> Head:
    if commit := question.commits.get(repo):
        return Head(CommitOid(commit), repo.ref)
    known = next((seen[mine.id].commit for mine in members if mine.id in seen and seen[mine.id].commit), "")
    return provider.resolve(address, known=known, tick=report.tick)


def _known(members: Sequence[Mine], seen: Mapping[str, LastSeen], commit: str) -> dict[ArtifactRef, Theirs | Failure]:
    """What is known without a listing: the artifact was looked at, or imported, at this very commit."""
    known: dict[ArtifactRef, Theirs | Failure] = {}
    for mine in members:
        last = seen.get(mine.id)
        if last is not None and last.commit == commit and last.oid and not last.code:
            known[mine.ref] = Theirs(last.oid, commit)
        elif mine.record and mine.record.resolved_sha == commit and mine.base:
            known[mine.ref] = Theirs(mine.base, commit)
    return known


def _look(
    opened: Opened,
    tree: RepositoryTree,
    members: Sequence[Mine],
    question: Question,
    answers: Answers,
    report: Report,
) -> None:
    """Find each artifact in the listing, and read what has to be read, in one batch."""
    commit = str(opened.head.commit)
    wanted: dict[ArtifactRef, str] = {}
    for mine in members:
        place = place_of(mine)
        try:
            oid = tree.content_oid(place)
        except DomainError as error:
            answers.theirs[mine.ref] = _gone(mine, error, tree)
            continue
        answers.theirs[mine.ref] = Theirs(oid, commit)
        document = _document_oid(place, tree)
        if document and (question.documents or place.inline is not None):
            wanted[mine.ref] = document
    blobs = opened.read(list(dict.fromkeys(wanted.values())), max_bytes=MAX_DOCUMENT_BYTES, report=report)
    license_ = partial(_license, opened, report) if question.licenses else None
    _tell(members, wanted, blobs, tree, answers, license_)


def _gone(mine: Mine, error: DomainError, tree: RepositoryTree) -> Failure:
    moved = tree.path_of(place_of(mine).kind, mine.base) if place_of(mine).inline is None else ""
    return Failure(error.code, f"{error.detail} The same content is at {moved} now." if moved else error.detail)


def _document_oid(place: Place, tree: RepositoryTree) -> str:
    folder = "" if place.path == "." else place.path + "/"
    paths = [folder + name if name else place.path for name in document_files(place.kind)]
    return next((oid for path in paths if (oid := tree.oid_of_file(path))), "")


def _tell(
    members: Sequence[Mine],
    wanted: Mapping[ArtifactRef, str],
    blobs: Blobs,
    tree: RepositoryTree,
    answers: Answers,
    license_: Callable[[], str] | None,
) -> None:
    """Complete what is known of each with what its document says, and with what its files are."""
    repository_license: str | None = None
    for mine in members:
        theirs, place = answers.theirs[mine.ref], place_of(mine)
        if isinstance(theirs, Failure):
            continue
        oid, told = theirs.oid, NOTHING_TOLD
        try:
            if place.inline is not None:
                oid = inline_oid(place, bytes_of(wanted[mine.ref], blobs))
            elif mine.ref in wanted:
                told = _told(place, blobs.found.get(wanted[mine.ref]))
            if oid != mine.current:
                answers.outlines[mine.ref] = tree.outline(place)
        except DomainError as error:
            answers.theirs[mine.ref] = Failure(error.code, error.detail)
            continue
        if license_ is not None and not told.fields.get("license"):
            repository_license = license_() if repository_license is None else repository_license
        answers.theirs[mine.ref] = Theirs(oid, theirs.commit, told, repository_license or "")


def _told(place: Place, data: bytes | None) -> Told:
    return NOTHING_TOLD if data is None else told_by(place.kind, parse_document(document_kind(place.kind), data))


def _license(opened: Opened, report: Report) -> str:
    """The repository's own licence, where its host tells one: one request. Unknown is no failure of the refresh."""
    if not isinstance(opened.provider, Describes):
        return ""
    try:
        return opened.provider.describe(opened.address, tick=report.tick).license
    except (Cancelled, JobTimeout, LeaseLost, UpstreamRateLimited):
        raise
    except DomainError:
        return ""
