"""Where a source's repository is now, and whether it still is the one that was scanned.

On GitHub a repository is who its id says: it may be renamed, and another may take its old name. git knows no ids, so
what it reads is whatever has the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marketplace.models import Source
from marketplace.services.sources import address_columns
from marketplace.services.upstreams import address_of
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.core.upstreams import access_policy
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import UpstreamIdentityChanged, UpstreamNotFound
from skillmeat_site.upstream.github_batch import RepositoryNow
from skillmeat_site.upstream.types import Describes, Head, Provider, RepositoryAddress, RepositoryFacts, Tick

RENAME_NOT_FOLLOWED = "rename_not_followed"
MAX_LICENSE = 100
MAX_RELEASE = 255


@dataclass(frozen=True, slots=True)
class Located:
    """The repository of a source at this moment.

    ``address`` has the name it has now. ``facts`` is None where the provider knows none, or had no reason to ask.
    ``new_place``: the columns by which the source follows a rename; empty where there is none to follow.
    """

    address: RepositoryAddress
    head: Head
    facts: RepositoryFacts | None = None
    new_place: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """What the source shall remember of it."""
        return {**self.new_place, **(described(self.facts) if self.facts else {})}


def locate(
    source: Source, provider: Provider, tick: Tick, *, current: bool, told: RepositoryNow | None = None
) -> Located:
    """Ask for the current commit, and who the repository is unless a ``current`` source has that commit already.

    One request for a current source; a second one, by a provider that describes, for any other. A repository whose
    name is taken or gone is looked for by its id. What a batch has ``told`` of the same repository a moment ago is
    not asked again. Raises UpstreamIdentityChanged where another repository has the
    name and the known one is gone, UpstreamError by kind.
    """
    address = address_of(source)
    if told is not None and told.head is not None and source.repository_id in (None, told.facts.id):
        return _located(source, _renamed(address, told.facts.moved_to), told.head, told.facts)
    host = provider if isinstance(provider, Describes) else None
    try:
        head = provider.resolve(address, known=source.head_commit, tick=tick)
    except UpstreamNotFound:
        if host is None or source.repository_id is None:
            raise
        return _located(source, *_by_id(source, provider, host, address, tick))
    same = current and bool(head.commit) and head.commit == source.head_commit
    if host is None or (same and not head.moved_to):
        return Located(address, _named(head, source.resolved_ref))
    address = _renamed(address, head.moved_to)
    facts = host.describe(address, tick=tick)
    if source.repository_id in (None, facts.id):
        return _located(source, _renamed(address, facts.moved_to), head, facts)
    try:
        found = _by_id(source, provider, host, address, tick)
    except UpstreamNotFound:
        raise _taken(facts) from None
    return _located(source, *found)


def facts_about(source: Source, host: Describes, tick: Tick) -> RepositoryFacts:
    """What the host says of the source's repository, and of no other that has its name now.

    One request; a second one where the name leads to another repository, or to none any more. Raises like ``locate``.
    """
    address = address_of(source)
    try:
        facts = host.describe(address, tick=tick)
    except UpstreamNotFound:
        if source.repository_id is None:
            raise
        return host.describe(address, repository_id=source.repository_id, tick=tick)
    if source.repository_id in (None, facts.id):
        return facts
    try:
        return host.describe(address, repository_id=source.repository_id, tick=tick)
    except UpstreamNotFound:
        raise _taken(facts) from None


def _taken(facts: RepositoryFacts) -> UpstreamIdentityChanged:
    return UpstreamIdentityChanged(
        f"{facts.full_name} is another repository than the one that was scanned, and that one is gone"
    )


def _by_id(
    source: Source, provider: Provider, host: Describes, address: RepositoryAddress, tick: Tick
) -> tuple[RepositoryAddress, Head, RepositoryFacts]:
    facts = host.describe(address, repository_id=source.repository_id, tick=tick)
    address = _renamed(address, facts.full_name)
    return address, provider.resolve(address, known=source.head_commit, tick=tick), facts


def _located(source: Source, address: RepositoryAddress, head: Head, facts: RepositoryFacts) -> Located:
    branch = facts.default_branch
    named = _named(head, f"refs/heads/{branch}" if branch else "")
    if address.key == source.url_key:
        return Located(address, named, facts)
    other = occupant_of(source, address)
    if other is None:
        return Located(address, named, facts, address_columns(address))
    detail = f"the repository is called {facts.full_name} now; source {other.pk} has that address already"
    return Located(address, named, facts, warnings=(Warned(RENAME_NOT_FOLLOWED, detail),))


def occupant_of(source: Source, address: RepositoryAddress) -> Source | None:
    """The other source that has this address already, with the same ref and root folder."""
    place = {"url_key": address.key, "ref": source.ref, "root_hint": source.root_hint}
    return Source.objects.filter(**place).exclude(pk=source.pk).first()


def github_address(full_name: str, ref: str = "") -> RepositoryAddress:
    """Where a repository of this name lies on GitHub. Raises like ``parse_url``."""
    policy = access_policy()
    return parse_url(f"{policy.github_url}/{full_name}", policy, ref=ref)


def _named(head: Head, default_branch: str) -> Head:
    """GitHub's API resolves the default branch without telling its name; to a reader it is the branch, as by git."""
    return replace(head, ref=default_branch) if head.ref == "HEAD" and default_branch else head


def _renamed(address: RepositoryAddress, full_name: str) -> RepositoryAddress:
    """The address under this name; as it was where that is empty, or the same but for its case."""
    if full_name.lower() in ("", f"{address.owner}/{address.name}".lower()):
        return address
    return github_address(full_name, address.ref)


def described(facts: RepositoryFacts) -> dict[str, Any]:
    """The columns that tell what the host says of a repository; the latest release only where that was asked."""
    release = facts.latest_release
    return {
        "repository_id": facts.id,
        "repository_description": facts.description,
        "repository_license": facts.license[:MAX_LICENSE],
        "topics": list(facts.topics),
        "archived": facts.archived,
        **({} if release is None else {"latest_release": release[:MAX_RELEASE]}),
    }
