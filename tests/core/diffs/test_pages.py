"""Differences as they stand on a page: whole, escaped, readable without colours, and cut where they are too long."""

from __future__ import annotations

import re

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.core.admin.diffs import View, show_files, view_of, view_switch
from skillmeat_site.core.diffs.html import MAX_COLUMNS
from skillmeat_site.core.diffs.types import DiffKind, FileView
from tests.core.diffs.making import cells, read, view

TAGS = {
    "div", "details", "summary", "h3", "bdi", "span", "table", "caption", "col", "thead", "tbody", "tr", "th", "td",
    "p", "mark", "nav", "ul", "li", "a",
}  # fmt: skip
ATTRIBUTES = {"class", "id", "open", "scope", "colspan", "aria-label", "role", "href"}
BOTH = pytest.mark.parametrize("kind", list(View))
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table><style>*{display:none}</style>",
    "\u202egnp.exe\u2066",
    "\x00\x07\x1b[31m",
    "<!-- x",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "\ud7ff\ue000\ufffe",
]


@BOTH
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(kind, text):
    page = show_files([view(f"a {text} b\n", f"a {text} c\n", f"{text}.py"), view("", text, text)], view=kind)
    seen = read(page)
    assert set(seen.tags) <= TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert all(value.startswith("#file-") for name, value in seen.attributes if name == "href")
    assert not set("".join(seen.text)) & set("\u202e\u2066\x00\x07\x1b")


@BOTH
@given(old=st.text(max_size=200), new=st.text(max_size=200))
def test_nothing_of_any_text_becomes_markup(kind, old, new):
    seen = read(show_files([view(old, new)], view=kind))
    assert set(seen.tags) <= TAGS


def test_a_unified_table_tells_lines_signs_and_texts():
    page = show_files([view("one\ntwo\nthree\n", "one\n2\nthree\nfour\n", "a.txt")])
    assert cells(page, "smd-s") == ["", "-", "+", "", "+"]
    assert cells(page, "smd-c") == ["one", "two", "2", "three", "four"]
    assert cells(page, "smd-n") == ["1", "1", "2", "", "", "2", "3", "3", "", "4"]
    assert "@@ -1,3 +1,4 @@" in page
    assert "2 lines added, 1 removed" in page
    assert "<h3><bdi>a.txt</bdi></h3>" in page


def test_side_by_side():
    page = show_files([view("one\ntwo\n", "one\n2\n3\n", "a.txt")], view=View.SPLIT)
    assert cells(page, "smd-c smd-old") == ["one", "two", ""]
    assert cells(page, "smd-c smd-new") == ["one", "2", "3"]
    assert cells(page, "smd-s smd-old") == ["", "-", ""]
    assert cells(page, "smd-s smd-new") == ["", "+", "+"]


@BOTH
def test_changed_words_are_marked(kind):
    page = show_files([view("the old way home\n", "the new way home\n", "a.txt")], view=kind)
    assert re.findall("<mark>(.*?)</mark>", page) == ["old", "new"]


@BOTH
def test_line_ends_are_told(kind):
    page = show_files([view("same\r\nlast", "same\nlast\n", "a.txt")], view=kind)
    assert '<span class="smd-escape">\\r</span>' in page
    assert page.count("no newline at the end") == 1
    quiet = show_files([view("a\r\nb\r\n", "a\r\nc\r\n", "a.txt")], view=kind)
    assert quiet.count("smd-escape") == 2  # of the changed lines only


@BOTH
def test_a_line_of_a_megabyte_is_cut(kind):
    page = show_files([view("x" * 1_000_000, "y", "a.txt")], view=kind)
    assert len(page) < 10 * MAX_COLUMNS
    assert "998,000 more characters" in page


def test_bytes_that_are_no_text():
    page = show_files([view(b"caf\xe9\n", b"caf\xc3\xa9\n", "a.txt")])
    assert "Bytes that are not UTF-8" in page
    assert cells(page, "smd-c") == ["caf\ufffd", "café"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"kind": DiffKind.BINARY, "old_size": 1024, "new_size": 2048}, "Not a text: 1.0\xa0KB → 2.0\xa0KB"),
        ({"kind": DiffKind.TOO_LARGE, "old_size": None, "new_size": 5 << 20}, "compare here: nothing → 5.0\xa0MB"),
        ({"kind": DiffKind.UNAVAILABLE, "old_size": 1}, "changed just now"),
        ({"old_mode": "100644", "new_mode": "100755", "status": "mode_changed"}, "It has become executable."),
        ({"old_mode": "100755", "new_mode": "100644"}, "It is no longer executable."),
        ({"old_mode": "100644", "new_mode": "120000", "status": "type_changed"}, "A file before, a link now."),
        ({"old_mode": "120000", "new_mode": "100755", "status": "type_changed"}, "A link before, a file now."),
        ({"old_mode": None, "new_mode": "120000", "status": "added"}, "It is a link"),
        ({"old_path": "was.md", "status": "renamed"}, "was.md → a.md"),
        ({"old_path": "was.md", "status": "renamed"}, "Its content is the same."),
        ({"status": "added"}, "It is empty."),
        ({"left_out": 1234}, "1,234 lines are not shown."),
        ({"left_out": 1}, "1 line is not shown."),
        ({"left_out": None}, "The difference goes on."),
    ],
)
def test_what_lines_do_not_tell(columns, said):
    page = show_files([FileView(**{"path": "a.md", "status": "modified", "kind": DiffKind.TEXT, **columns})])
    assert said in "".join(read(page).text)


def test_what_is_left_out_has_a_page():
    each = FileView(path="a b.md", status="modified", kind=DiffKind.TEXT, left_out=7)
    assert '<a href="?path=1&amp;x">' in show_files([each], url=lambda file: "?path=1&x")
    assert "<a " not in show_files([each])


def test_several_files_have_a_list_to_jump_from():
    files = [view("a\n", "b\n", f"{name}.md") for name in "xyz"]
    page = show_files(files, prefix="one")
    assert re.findall('href="#(one-[0-9]+)"', page) == re.findall('<details class="smd-file" id="(one-[0-9]+)"', page)
    assert "<nav" not in show_files(files[:1])


def test_the_view_is_remembered_by_the_address():
    make = RequestFactory().get
    assert view_of(make("/")) is View.UNIFIED
    assert view_of(make("/?view=nonsense")) is View.UNIFIED
    assert view_of(make("/?view=split&page=2")) is View.SPLIT
    page = view_switch(make("/?view=split&page=2&x=%22%3E"))
    assert '<a href="?view=unified&amp;page=2&amp;x=%22%3E">' in page
    assert '<a href="?view=split&amp;page=2&amp;x=%22%3E" aria-current="true">' in page


def test_what_rest_tells_can_be_drawn():
    row = {
        "path": "a.md", "status": "modified", "kind": "text", "truncated": True,
        "hunks": [{
            "old_start": 1, "old_lines": 1, "new_start": 1, "new_lines": 1,
            "lines": [
                {"origin": "-", "text": "a\n", "old_number": 1, "new_number": None},
                {"origin": "+", "text": "b\n", "old_number": None, "new_number": 1},
            ],
        }],
    }  # fmt: skip
    file = FileView.from_json(row)
    assert (file.added, file.removed, file.left_out, file.hunks) == (1, 1, None, view("a\n", "b\n").hunks)
    assert cells(show_files([file]), "smd-c") == ["a", "b"]
