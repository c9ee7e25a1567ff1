"""The folders of a repository, to choose from: those of its last listing, remembered by the tree's id.

A tree's id names its content, so that what is remembered is never wrong; it is only forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.core.cache import cache

from marketplace.models import Source
from marketplace.services.upstreams import address_of, provider_of
from skillmeat_site.upstream.errors import UpstreamTimeout
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import CommitOid, FileMode, Head, Listing

MAX_FOLDERS = 20_000
KEPT_SECONDS = 7 * 24 * 3600
SECONDS = 10
SHOWN = 50


def remember_folders(listing: Listing) -> list[str]:
    """Keep and return the folders of a listing, the shallow ones first."""
    paths = (item.path for item in listing.items if item.mode == FileMode.TREE)
    folders = sorted(paths, key=lambda path: (path.count("/"), path))[:MAX_FOLDERS]
    if is_oid(listing.tree_oid):
        cache.set(_key(listing.tree_oid), folders, KEPT_SECONDS)
    return folders


def remembered_folders(tree_oid: str) -> list[str] | None:
    """The folders of a tree, if they are known. Asks nobody."""
    found: list[str] | None = cache.get(_key(tree_oid)) if is_oid(tree_oid) else None
    return found


def folders_of(source: Source) -> list[str]:
    """The folders of a source's last scan; read from the mirror or upstream where they have been forgotten.

    Empty for a source that was never scanned. Raises UpstreamError by kind, UpstreamTimeout after SECONDS.
    """
    known = remembered_folders(source.tree_oid)
    if known is not None or not source.head_commit:
        return known or []
    end = time.monotonic() + SECONDS

    def tick() -> None:
        if time.monotonic() > end:
            raise UpstreamTimeout

    head = Head(CommitOid(source.head_commit), source.resolved_ref)
    return remember_folders(provider_of(source).listing(address_of(source), head, tick=tick))


def matching(folders: Iterable[str], text: str, limit: int = SHOWN) -> list[str]:
    """Folders with this text in their path; those that begin with it come first."""
    wanted = text.strip().casefold()
    begins: list[str] = []
    holds: list[str] = []
    for folder in folders:
        path = folder.casefold()
        if path.startswith(wanted):
            begins.append(folder)
        elif wanted in path:
            holds.append(folder)
        if len(begins) >= limit:
            break
    return [*begins, *holds][:limit]


def _key(tree_oid: str) -> str:
    return f"folders:{tree_oid}"
