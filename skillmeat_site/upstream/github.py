"""Reading repositories through GitHub's REST API, with git to fall back to.

Requests: one to resolve (two for a tag by its short name), one to describe, one to list, two to read any number of
blobs by git or by the archive, so five for a first scan; one for a repository that has not changed, free of quota with
a token. A rename adds two to the resolving, and one to each other operation until the new name is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from skillmeat_site.upstream.errors import HostNotAllowed, UpstreamInvalid, UpstreamTimeout, UpstreamUnreachable
from skillmeat_site.upstream.github_content import BlobBatch
from skillmeat_site.upstream.github_http import GitHubSession
from skillmeat_site.upstream.github_listing import is_truncated, list_commit
from skillmeat_site.upstream.github_refs import resolve_ref
from skillmeat_site.upstream.github_repository import GitHubRepository
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.object_ids import EMPTY_TREE
from skillmeat_site.upstream.policy import check_allowed
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import (
    Blobs,
    CommitOid,
    Head,
    Listing,
    RepositoryAddress,
    RepositoryFacts,
    Tick,
    Unread,
    no_tick,
)

# What the other way may do better. A refusal (credentials, limits, a repository gone) holds for both.
_OTHER_WAY = (UpstreamUnreachable, UpstreamTimeout, UpstreamInvalid)


class GitHubProvider:
    """The ``Provider`` of what lies below the policy's ``github_url``, and ``Describes``. Holds settings only."""

    def __init__(self, settings: GitHubSettings) -> None:
        self._settings = settings

    def resolve(self, address: RepositoryAddress, *, known: str = "", tick: Tick = no_tick) -> Head:
        """Tell the commit that the address's ref points to now, in one request for a branch or the default one.

        ``known`` makes the answer free of quota while the ref has not moved (with a token); then the fallback may
        answer as well, where the API is out of order. A ref that is a whole commit id is its own answer and costs no
        request. Raises UpstreamError by kind.
        """
        self._check(address)
        if is_oid(address.ref):
            return Head(CommitOid(address.ref), address.ref)
        try:
            with self._repository(address, "", self._settings.timeout, tick) as repository:
                return resolve_ref(repository, address.ref, known)
        except _OTHER_WAY as failure:
            # Whether it is still the known commit git knows as well; who the repository is, it does not.
            if not known or self._settings.fallback is None:
                raise
            try:
                return self._settings.fallback.resolve(address, known=known, tick=tick)
            except _OTHER_WAY:
                raise failure from None

    def listing(self, address: RepositoryAddress, head: Head, *, tick: Tick = no_tick) -> Listing:
        """List everything in the commit of ``head``, with sizes.

        A tree too large for the API and for the bounds of the settings is listed by the fallback, whose listing has no
        sizes; without one the listing is incomplete. Raises UpstreamRefNotFound where the repository does not have the
        commit, UpstreamError by kind, LimitExceeded.
        """
        self._check(address)
        commit, settings = head.commit, self._settings
        if commit is None:
            return Listing("", EMPTY_TREE, [])
        with self._repository(address, head.moved_to, settings.fetch_timeout, tick) as repository:
            listing = list_commit(
                repository,
                commit,
                certain=head.ref != commit,  # a ref that is an id was typed, and may be another object's
                max_calls=settings.max_walk_calls,
                max_depth=settings.max_walk_depth,
                max_entries=settings.max_entries,
            )
        if settings.fallback is None or not is_truncated(listing):
            return listing
        try:
            return settings.fallback.listing(address, head, tick=tick)
        except _OTHER_WAY:
            return listing

    def read(
        self, address: RepositoryAddress, head: Head, oids: Sequence[str], *, max_bytes: int, tick: Tick = no_tick
    ) -> Blobs:
        """Read blobs by id in one batch, each compared with its id.

        More than ``max_single_blobs`` are read by the fallback, else out of the commit's archive: in two requests,
        whatever their number. One larger than ``max_bytes`` is TOO_LARGE; one that the host does not have, or that is
        no blob, is MISSING. Raises ContentMismatch, UpstreamError by kind, LimitExceeded.
        """
        self._check(address)
        wanted = {oid for oid in oids if is_oid(oid)}
        unread = dict.fromkeys((oid for oid in oids if oid not in wanted), Unread.MISSING)
        if not wanted:
            return Blobs({}, unread)
        commit, settings = head.commit, self._settings
        if len(wanted) > settings.max_single_blobs and settings.fallback and not settings.prefer_archive:
            try:
                return settings.fallback.read(address, head, oids, max_bytes=max_bytes, tick=tick)
            except _OTHER_WAY:
                pass
        if commit is None:
            return Blobs({}, dict.fromkeys(oids, Unread.MISSING))
        with self._repository(address, head.moved_to, settings.fetch_timeout, tick) as repository:
            blobs = BlobBatch(repository, settings, max_bytes).read(commit, wanted)
        return Blobs(blobs.found, {**unread, **blobs.unread})

    def describe(
        self, address: RepositoryAddress, *, repository_id: int | None = None, tick: Tick = no_tick
    ) -> RepositoryFacts:
        """Tell what GitHub says about the repository, in one request (a rename adds one).

        With ``repository_id`` that repository is meant, whatever has its name now. Raises UpstreamError by kind.
        """
        self._check(address)
        with self._session(address, self._settings.timeout, tick) as session:
            path = (
                f"/repos/{address.owner}/{address.name}" if repository_id is None else f"/repositories/{repository_id}"
            )
            facts = GitHubRepository(session, self._settings, path).facts()
        moved = facts.full_name.lower() != f"{address.owner}/{address.name}".lower()
        return replace(facts, moved_to=facts.full_name) if moved else facts

    def _check(self, address: RepositoryAddress) -> None:
        """The API would answer for any owner and name: those of another host are none of its own."""
        check_allowed(address, self._settings.policy)
        if not self._settings.policy.is_github(address):
            raise HostNotAllowed("the repository is not on the GitHub host that is configured")

    @contextmanager
    def _session(self, address: RepositoryAddress, seconds: float, tick: Tick) -> Iterator[GitHubSession]:
        token = self._settings.credentials(address) or ""
        with GitHubSession(self._settings, token, seconds=seconds, tick=tick) as session:
            yield session

    @contextmanager
    def _repository(
        self, address: RepositoryAddress, moved_to: str, seconds: float, tick: Tick
    ) -> Iterator[GitHubRepository]:
        with self._session(address, seconds, tick) as session:
            name = moved_to or f"{address.owner}/{address.name}"
            yield GitHubRepository(session, self._settings, f"/repos/{name}")
