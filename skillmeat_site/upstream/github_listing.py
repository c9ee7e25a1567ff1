"""Listing a tree through GitHub's API, also one that is too large for one answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from skillmeat_site.upstream.github_errors import Refused
from skillmeat_site.upstream.github_refs import tree_of
from skillmeat_site.upstream.github_repository import GitHubRepository
from skillmeat_site.upstream.object_ids import EMPTY_TREE, root_oid
from skillmeat_site.upstream.trees import TreeCollector
from skillmeat_site.upstream.types import FileMode, Listing

TRUNCATED = "listing_truncated"


def list_commit(
    repository: GitHubRepository,
    commit: str,
    *,
    certain: bool = True,
    max_calls: int,
    max_depth: int,
    max_entries: int,
) -> Listing:
    """List everything in a commit, as a rule in one request; in two where it is not ``certain`` to be a commit's id.

    GitHub takes the commit's id where it describes a tree's, and then may repeat that one: the tree's own follows from
    what lies in the root. Only where something was left out the commit is asked for it. Raises UpstreamRefNotFound
    where the repository exists without the commit; bounds and warnings are those of ``list_tree``.
    """
    listing = None
    if certain:
        # ``tree_of`` tells why it is refused; of a tree with nothing in it there may be no answer.
        with suppress(Refused):
            listing = repository.tree_at(commit)
    if listing is not None and listing.complete and not listing.warnings:
        tree = root_oid(listing.items)
        if listing.tree_oid in (commit, tree):
            return replace(listing, tree_oid=tree)
    tree = tree_of(repository, commit)
    if tree == EMPTY_TREE:
        return Listing(commit, tree, [])
    if listing is None or listing.tree_oid not in (commit, tree):
        listing = repository.tree(tree, commit, recursive=True)
    return _whole(repository, replace(listing, tree_oid=tree), max_calls, max_depth, max_entries)


def list_tree(
    repository: GitHubRepository, commit: str, tree: str, *, max_calls: int, max_depth: int, max_entries: int
) -> Listing:
    """List everything below a tree in one request, or folder by folder where GitHub leaves out a part of it.

    Where that would take more than ``max_calls`` requests or go deeper than ``max_depth`` folders, the listing holds
    what is known, is not ``complete`` and warns ``listing_truncated``.
    """
    listing = repository.tree(tree, commit, recursive=True)
    return _whole(repository, listing, max_calls, max_depth, max_entries)


def _whole(
    repository: GitHubRepository, listing: Listing, max_calls: int, max_depth: int, max_entries: int
) -> Listing:
    if not is_truncated(listing):
        return listing
    collector = TreeCollector(max_entries)
    _Walk(repository, listing.commit, collector, max_calls).folder(listing.tree_oid, "", listing, max_depth)
    return collector.finish(listing.commit, listing.tree_oid)


def is_truncated(listing: Listing) -> bool:
    """Tell whether GitHub left out a part of the tree."""
    return any(warning.code == TRUNCATED for warning in listing.warnings)


class _Walk:
    """One walk under way, with the requests it may still make."""

    def __init__(self, repository: GitHubRepository, commit: str, collector: TreeCollector, calls: int) -> None:
        self._repository, self._commit, self._collector = repository, commit, collector
        self._calls = calls

    def folder(self, tree: str, prefix: str, cut: Listing, depth_left: int) -> None:
        """Collect what is below a tree whose recursive listing was ``cut`` off, or else what that one has."""
        direct = self._list(tree, recursive=False) if depth_left and self._calls else None
        folders = sum(item.mode == FileMode.TREE for item in direct.items) if direct else 0
        if direct is None or is_truncated(direct) or folders > self._calls:
            self._take(cut, prefix)
            self._collector.incomplete(TRUNCATED, "GitHub left out a part of the tree, and it is too large to walk")
            return
        self._tell_warnings(direct, prefix)
        for item in direct.items:
            self._collector.add(prefix + item.path, item.mode, item.oid, item.size)
            if item.mode == FileMode.TREE:
                self._subfolder(item.oid, f"{prefix}{item.path}/", depth_left - 1)

    def _subfolder(self, tree: str, prefix: str, depth_left: int) -> None:
        if not self._calls:
            self._collector.incomplete(TRUNCATED, "GitHub left out a part of the tree, and it is too large to walk")
            return
        listing = self._list(tree, recursive=True)
        if is_truncated(listing):
            self.folder(tree, prefix, listing, depth_left)
        else:
            self._take(listing, prefix)

    def _list(self, tree: str, *, recursive: bool) -> Listing:
        self._calls -= 1
        return self._repository.tree(tree, self._commit, recursive=recursive)

    def _take(self, listing: Listing, prefix: str) -> None:
        self._tell_warnings(listing, prefix)
        for item in listing.items:
            self._collector.add(prefix + item.path, item.mode, item.oid, item.size)

    def _tell_warnings(self, listing: Listing, prefix: str) -> None:
        for warning in listing.warnings:
            if warning.code != TRUNCATED:
                self._collector.warn(warning.code, warning.detail, prefix + warning.path)
        if not listing.complete and not is_truncated(listing):
            self._collector.complete = False
