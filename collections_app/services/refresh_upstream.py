"""Asking upstream on behalf of many artifacts: once per repository and ref, never once per artifact.

One request tells the commits of many repositories, or that of one. Nothing more is asked where it is one at which all
artifacts' content is known; else one listing, and, where it is wanted what the artifacts say of themselves, one batch
of their documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from collections_app.domain.refresh_plan import Failure, Mine, Repo, Theirs
from collections_app.domain.types import ArtifactRef
from collections_app.services.refresh_heads import Tip, Tips, address_of, ask_together
from collections_app.services.refresh_looking import Found, Looking
from collections_app.services.refresh_reading import LastSeen, Reading
from collections_app.services.upstream_contents import Outline, RepositoryTree, read_all
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.upstreams import access_policy, host_of, provider_at
from skillmeat_site.upstream.errors import UpstreamNotFound, UpstreamRateLimited
from skillmeat_site.upstream.types import Blobs, CommitOid, Describes, Head, Provider, RepositoryAddress


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository that was reached: at ``head`` its content is read. ``license``: None where nobody has asked."""

    address: RepositoryAddress
    provider: Provider
    head: Head
    license: str | None = None

    @property
    def purse(self) -> str:
        return purse_of(self.address)

    def read(self, oids: Sequence[str], *, max_bytes: int, report: Report) -> Blobs:
        """In one batch. Raises as the provider's ``read``."""
        return self.provider.read(self.address, self.head, oids, max_bytes=max_bytes, tick=report.tick)

    def read_all(self, oids: Sequence[str], *, max_bytes: int, report: Report) -> Blobs:
        """In as many batches as it takes."""
        return read_all(partial(self.read, max_bytes=max_bytes, report=report), oids)


@dataclass(slots=True)
class Answers:
    """What upstream said, by artifact. ``outlines``: of those whose content is another than here."""

    theirs: dict[ArtifactRef, Theirs | Failure] = field(default_factory=dict)
    outlines: dict[ArtifactRef, Outline] = field(default_factory=dict)
    opened: dict[Repo, Opened] = field(default_factory=dict)
    limited: dict[str, UpstreamRateLimited] = field(default_factory=dict)
    """Limits that are used up, by ``purse_of``."""

    def commits(self) -> dict[Repo, str]:
        return {repo: str(opened.head.commit or "") for repo, opened in self.opened.items()}


@dataclass(frozen=True, slots=True)
class Question:
    """``documents``: also what the artifacts say of themselves. ``commits``: known ones, that nobody is asked for."""

    documents: bool
    licenses: bool = False
    commits: Mapping[Repo, str] = field(default_factory=dict)


def purse_of(address: RepositoryAddress) -> str:
    """Whose limit is used up when this repository's is: a token's, and tokens are of a host or of an owner there."""
    return f"{address.host}/{address.owner.lower()}" if access_policy().is_github(address) else host_of(address)


def ask_upstream(artifacts: Iterable[Mine], reading: Reading, question: Question, report: Report) -> Answers:
    """Ask about artifacts of ``reading`` that have an upstream.

    A repository that fails is a Failure of its own artifacts only.

    After a used-up limit nothing more is asked that counts against it, and the rest is deferred. Raises what
    ``report`` raises.
    """
    groups: dict[Repo, list[Mine]] = {}
    for mine in artifacts:
        groups.setdefault(mine.repo, []).append(mine)
    answers = Answers()
    report.progress(0, len(groups), "repositories")
    tips: Tips = {repo: Tip(Head(CommitOid(commit), repo.ref)) for repo, commit in question.commits.items() if commit}
    tips |= ask_together((repo for repo in groups if repo not in tips), report)
    for number, (repo, members) in enumerate(groups.items()):
        report.progress(number, len(groups), repo.url)
        try:
            _Asking(repo, members, reading, question, answers, report).run(tips.get(repo))
        except (Cancelled, JobTimeout, LeaseLost):
            raise
        except DomainError as error:
            if isinstance(error, UpstreamRateLimited):
                answers.limited.setdefault(purse_of(address_of(repo)), error)
            failure = Failure.of(error)
            answers.theirs |= {mine.ref: failure for mine in members if mine.ref not in answers.theirs}
    return answers


@dataclass(frozen=True, slots=True)
class _Asking:
    """The artifacts of one repository and ref."""

    repo: Repo
    members: Sequence[Mine]
    reading: Reading
    question: Question
    answers: Answers
    report: Report

    def run(self, told: Tip | DomainError | None) -> None:
        """``told``: what a question about many has told already."""
        if isinstance(told, DomainError):
            raise told
        answers, address = self.answers, address_of(self.repo)
        if limit := answers.limited.get(purse_of(address)):
            raise limit
        provider = provider_at(address)
        head, license_ = told or Tip(self._resolved(provider, address))
        if head.commit is None:
            raise UpstreamNotFound("the repository is empty")
        opened = answers.opened[self.repo] = Opened(address, provider, head, license_)
        known = {} if self.question.documents else _known(self.members, self.reading.seen, head.commit)
        answers.theirs |= known
        rest = [mine for mine in self.members if mine.ref not in known]
        if rest:
            found = self._look(opened, rest)
            answers.theirs |= found.theirs
            answers.outlines |= found.outlines

    def _look(self, opened: Opened, members: Sequence[Mine]) -> Found:
        listing = opened.provider.listing(opened.address, opened.head, tick=self.report.tick)
        looking = Looking(
            RepositoryTree(listing),
            commit=str(opened.head.commit),
            read=partial(opened.read_all, report=self.report),
            documents=self.question.documents,
            license=partial(_license, opened, self.report) if self.question.licenses else None,
            followed=self.reading.followed.get(self.repo, ()),
        )
        return looking.at(
            members, {mine.id: self.reading.seen[mine.id].oid for mine in members if mine.id in self.reading.seen}
        )

    def _resolved(self, provider: Provider, address: RepositoryAddress) -> Head:
        seen = self.reading.seen
        last = (seen[mine.id].commit for mine in self.members if mine.id in seen)
        known = next((commit for commit in last if commit), "")
        return provider.resolve(address, known=known, tick=self.report.tick)


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


def _license(opened: Opened, report: Report) -> str:
    """The repository's own licence, where its host tells one: at most one request. Unknown is no failure."""
    if opened.license is not None:
        return opened.license
    if not isinstance(opened.provider, Describes):
        return ""
    try:
        return opened.provider.describe(opened.address, tick=report.tick).license
    except (Cancelled, JobTimeout, LeaseLost, UpstreamRateLimited):
        raise
    except DomainError:
        return ""
