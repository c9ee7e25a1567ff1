"""Reading repositories with the git executable, over https, ssh or from a local path. No forge, no quota, no checkout.

Upstream requests over http: one to resolve, two for a first or changed listing, two to read any number of new blobs,
none for what the mirror has. A redirect adds its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.advertised import choose
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamInvalid, UpstreamRefNotFound
from skillmeat_site.upstream.git_errors import MirrorSuspect
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.housekeeping import sweep_if_due, tidy
from skillmeat_site.upstream.mirror import Mirror, open_mirror
from skillmeat_site.upstream.object_ids import EMPTY_TREE
from skillmeat_site.upstream.policy import check_allowed
from skillmeat_site.upstream.process import Deadline
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.remote import Remote
from skillmeat_site.upstream.trees import TreeCollector, collect_ls_tree
from skillmeat_site.upstream.types import Blobs, CommitOid, Head, Listing, RepositoryAddress, Tick, Unread, no_tick

MAX_GONE = 8
"""Blobs that the host may turn out not to have, one per fetch, before a batch is given up."""

_Result = TypeVar("_Result")


class GitProvider:
    """The ``Provider`` of everything that git can fetch. Holds settings only: mirrors are shared by all processes."""

    def __init__(self, settings: GitSettings) -> None:
        self._settings = settings

    def resolve(self, address: RepositoryAddress, *, known: str = "", tick: Tick = no_tick) -> Head:
        """Tell the commit that the address's ref points to now, in one upstream request, whatever was ``known``.

        A ref that is a whole commit id is its own answer and costs no request; whether the repository has that commit
        shows when it is listed. Raises UpstreamError by kind.
        """
        check_allowed(address, self._settings.policy)
        if is_oid(address.ref):
            return Head(CommitOid(address.ref), address.ref)
        deadline = Deadline(self._settings.timeout)
        return choose(Remote(self._settings, address).advertised_refs(deadline, tick), address.ref)

    def listing(self, address: RepositoryAddress, head: Head, *, tick: Tick = no_tick) -> Listing:
        """List everything in the commit of ``head``; sizes are unknown (None).

        Raises UpstreamRefNotFound where the repository does not have the commit, UpstreamError by kind, LimitExceeded
        where the host sends more than the settings allow.
        """
        commit = head.commit
        if commit is None:
            return Listing("", EMPTY_TREE, [])
        remote = Remote(self._settings, address)

        def work(mirror: Mirror) -> Listing:
            tree = mirror.tree_of(commit)
            if tree is None:
                mirror.fetch_commit(remote, head)
                tree = mirror.tree_of(commit)
            if tree is None:
                raise UpstreamRefNotFound("the repository no longer has the commit: the ref has moved on")
            return self._list(mirror, commit, tree)

        return self._in_mirror(address, work, tick)

    def read(
        self, address: RepositoryAddress, head: Head, oids: Sequence[str], *, max_bytes: int, tick: Tick = no_tick
    ) -> Blobs:
        """Read blobs by id in one batch, each compared with its id.

        One larger than ``max_bytes`` is TOO_LARGE and never in memory; one that the host does not have, or that is no
        blob, is MISSING. Raises ContentMismatch, UpstreamError by kind, and LimitExceeded where the batch is larger
        than the settings allow.
        """
        wanted = {oid for oid in oids if is_oid(oid)}
        unread = dict.fromkeys((oid for oid in oids if oid not in wanted), Unread.MISSING)
        if not wanted:
            return Blobs({}, unread)
        remote = Remote(self._settings, address)
        return self._in_mirror(address, lambda mirror: self._read(mirror, remote, wanted, unread, max_bytes), tick)

    def _in_mirror(self, address: RepositoryAddress, work: Callable[[Mirror], _Result], tick: Tick) -> _Result:
        """Do something with the mirror; where it may have been damaged, once more with a fresh one."""
        check_allowed(address, self._settings.policy)
        deadline = Deadline(self._settings.fetch_timeout)
        with open_mirror(self._settings, address, deadline, tick) as mirror:
            try:
                result = work(mirror)
            except (MirrorSuspect, ContentMismatch):
                mirror.discard()
                mirror.prepare()
                result = work(mirror)
            tidy(mirror)
        sweep_if_due(self._settings)
        return result

    def _list(self, mirror: Mirror, commit: str, tree: str) -> Listing:
        """List the tree from the mirror. Raises MirrorSuspect where the mirror lacks a part of it."""
        result = mirror.ls_tree(tree)
        collector = TreeCollector(self._settings.max_entries)
        output = result.stdout
        if result.truncated:
            output = output[: output.rfind(b"\0") + 1]
            collector.incomplete(
                "listing_capped", f"the listing is longer than {self._settings.max_listing_bytes} bytes"
            )
        try:
            collect_ls_tree(output, collector)
        except (KeyError, ValueError) as error:
            raise UpstreamInvalid("the tree holds an entry of an unknown kind") from error
        return collector.finish(commit, tree)

    def _read(
        self, mirror: Mirror, remote: Remote, wanted: set[str], unread: dict[str, Unread], max_bytes: int
    ) -> Blobs:
        sizes, others = mirror.look_up(sorted(wanted))
        # A tree is not asked for again: git would want the files in it as well.
        missing = wanted - sizes.keys() - others
        if missing:
            self._fetch(mirror, remote, missing)
            sizes |= mirror.look_up(sorted(missing))[0]
        left_out = dict.fromkeys(wanted - sizes.keys(), Unread.MISSING)
        left_out |= {oid: Unread.TOO_LARGE for oid, size in sizes.items() if size > max_bytes}
        readable = {oid: size for oid, size in sizes.items() if size <= max_bytes}
        if sum(readable.values()) > self._settings.max_read_bytes:
            raise LimitExceeded(f"the files read at once are larger than {self._settings.max_read_bytes} bytes")
        return Blobs(mirror.read(readable), {**unread, **left_out})

    def _fetch(self, mirror: Mirror, remote: Remote, missing: Iterable[str]) -> None:
        """Fetch the blobs, without those that the host turns out not to have. It names one at a time."""
        left = set(missing)
        for _ in range(MAX_GONE):
            try:
                mirror.fetch_blobs(remote, sorted(left))
            except UpstreamRefNotFound as error:
                gone = set(error.data.get("oids", ())) & left
                if not gone:
                    raise
                left -= gone
            else:
                return
            if not left:
                return
        raise UpstreamInvalid("the host does not have many of the files of its own listing")
