"""The upstream side of a comparison: bytes only of what is looked at, in one batch; what is not handed out is told."""

from __future__ import annotations

import pytest

from collections_app.domain.types import FileMode as Mode
from collections_app.services.file_views import ComparedFiles
from collections_app.services.listed_tree import Part
from collections_app.services.sides import Side as Place
from collections_app.services.sides import difference, in_memory
from collections_app.services.upstream_sides import MAX_FILE, parts_side
from collections_app.store.content_ids import blob_oid
from skillmeat_site.core.diffs.types import DiffKind
from skillmeat_site.upstream.errors import ContentMismatch
from skillmeat_site.upstream.types import Blobs, FileMode, Unread

FILES = {"a.md": b"a\n", "b.md": b"b\n", "c.md": b"c\n"}


class Upstream:
    """Hands out blobs, and remembers what it was asked for."""

    def __init__(self, files=FILES, unread=()):
        self.blobs = {blob_oid(data): data for data in files.values()}
        self.unread = dict(unread)
        self.asked = []

    def read(self, oids):
        self.asked.append([self.blobs.get(oid, oid) for oid in oids])
        found = {oid: self.blobs[oid] for oid in oids if oid not in self.unread}
        return Blobs(found, {oid: self.unread[oid] for oid in oids if oid in self.unread})

    def side(self, sizes=()):
        parts = [
            Part(path, Mode.FILE, blob_oid(data), dict(sizes).get(path, len(data))) for path, data in FILES.items()
        ]
        return parts_side("commit", parts, "one", self.read)


def ours(**files):
    return Place("collection", "", "", *in_memory({path: (FileMode.FILE, data) for path, data in files.items()}))


def compared(old, new):
    return ComparedFiles(*difference(old, new))


def test_only_what_is_looked_at_is_fetched_in_one_batch():
    upstream = Upstream()
    here = ours(**{"a.md": b"a\n", "b.md": b"other\n"})
    found = compared(here, upstream.side())
    assert len(found) == 2
    assert upstream.asked == [], "ids tell what differs"
    assert [view.path for view in found.files(0, 25)] == ["b.md", "c.md"]
    assert upstream.asked == [[b"b\n", b"c\n"]]
    found.alone("c.md", 0, 10)
    assert len(upstream.asked) == 1, "what was fetched stays for this page"


def test_a_blob_that_is_gone_is_told():
    gone = blob_oid(FILES["b.md"])
    found = compared(ours(), Upstream(unread={gone: Unread.MISSING}).side())
    assert len(found) == 3
    with pytest.raises(ContentMismatch):
        found.files(0, 25)
    view, _ = found.alone("a.md", 0, 10)
    assert view.added == 1, "the others can be looked at"


def test_large_files_are_told_by_their_size():
    large = blob_oid(FILES["b.md"])
    upstream = Upstream(unread={large: Unread.TOO_LARGE})
    views = {view.path: view for view in compared(ours(), upstream.side({"a.md": MAX_FILE + 1})).files(0, 25)}
    assert (views["a.md"].kind, views["a.md"].new_size) == (DiffKind.TOO_LARGE, MAX_FILE + 1)
    assert views["b.md"].kind is DiffKind.TOO_LARGE
    assert views["c.md"].kind is DiffKind.TEXT
    assert upstream.asked == [[b"b\n", b"c\n"]], "one that is known to be too large is not asked for"
