"""Reading the answer of GitHub's recursive tree endpoint. What it says is not trusted in any respect."""

from __future__ import annotations

import json
from typing import Any

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamInvalid
from skillmeat_site.upstream.gzipped import unpack
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.trees import TreeCollector
from skillmeat_site.upstream.types import FileMode, Listing

MAX_TREE_BYTES = 64 * 1024 * 1024
"""Of JSON, unpacked. GitHub itself stops at 7 MB."""
MAX_TREE_ENTRIES = 500_000
_GZIP_MAGIC = b"\x1f\x8b"
_KIND_OF_MODE = {
    FileMode.FILE.value: "blob",
    "100664": "blob",
    FileMode.EXECUTABLE.value: "blob",
    FileMode.SYMLINK.value: "blob",
    FileMode.TREE.value: "tree",
    FileMode.SUBMODULE.value: "commit",
}


def read_github_tree(
    body: bytes, *, commit: str = "", max_bytes: int = MAX_TREE_BYTES, max_entries: int = MAX_TREE_ENTRIES
) -> Listing:
    """Turn the JSON ``{"sha", "tree": [{path, mode, type, sha, size?}], "truncated"}`` into a Listing of ``commit``.

    ``body`` may be gzipped. A truncated tree, or one of more than ``max_entries``, gives an incomplete listing; a path
    that cannot be stored or that would leave its folder is left out with a warning. Raises UpstreamInvalid where the
    answer has another shape or is cut off, LimitExceeded where it is larger than ``max_bytes`` unpacked.
    """
    document = _parse(_unpacked(body, max_bytes))
    if not isinstance(document, dict) or not isinstance(document.get("tree"), list):
        raise UpstreamInvalid("the answer is no tree")
    tree_oid = document.get("sha")
    if not isinstance(tree_oid, str) or not is_oid(tree_oid) or not isinstance(document.get("truncated"), bool):
        raise UpstreamInvalid("the answer does not name its tree, or not whether it is whole")
    collector = TreeCollector(max_entries)
    if document["truncated"]:
        collector.incomplete("listing_truncated", "GitHub left out a part of the tree")
    _collect(document["tree"], collector)
    return collector.finish(commit, tree_oid)


def _unpacked(body: bytes, max_bytes: int) -> bytes:
    if body.startswith(_GZIP_MAGIC):
        return unpack(body, max_bytes)
    if len(body) > max_bytes:
        raise LimitExceeded(f"the tree is larger than {max_bytes} bytes")
    return body


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UpstreamInvalid("the answer is not valid JSON") from error


def _collect(entries: list[Any], collector: TreeCollector) -> None:
    seen = set()
    for entry in entries:
        try:
            path, mode, oid = entry["path"], entry["mode"], entry["sha"]
            size = entry.get("size")
            known = _KIND_OF_MODE[mode] == entry["type"] and isinstance(path, str) and is_oid(oid)
        except (KeyError, TypeError, AttributeError) as error:
            raise UpstreamInvalid("an entry of the tree is malformed") from error
        if not known or not (size is None or (type(size) is int and size >= 0)):
            raise UpstreamInvalid("an entry of the tree contradicts itself")
        if path in seen:
            raise UpstreamInvalid("the tree names a path twice")
        seen.add(path)
        collector.add(path, mode, oid, size)
