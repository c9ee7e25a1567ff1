"""Reading documents: heads that are good, sloppy and hostile."""

import json
import time

import pytest

from skillmeat_site.core.documents.frontmatter import MAX_DOCUMENT_BYTES, parse_document
from skillmeat_site.core.documents.jsonable import MAX_DEPTH, MAX_STRING
from skillmeat_site.core.documents.types import DocumentKind, Parsed


def markdown(text):
    return parse_document(DocumentKind.FRONTMATTER, text if isinstance(text, bytes) else text.encode())


def head(text):
    return markdown(f"---\n{text}\n---\nbody\n")


def json_(text):
    return parse_document(DocumentKind.JSON, text if isinstance(text, bytes) else text.encode())


def codes(parsed):
    return [warned.code for warned in parsed.warnings]


STRICT = {
    "plain": ("name: x\ndescription: does it", {"name": "x", "description": "does it"}),
    "quoted": ("name: 'it''s'", {"name": "it's"}),
    "block": ("description: |\n  one\n  two", {"description": "one\ntwo\n"}),
    "folded": ("description: >-\n  one\n  two", {"description": "one two"}),
    "list": ("tags: [a, b]", {"tags": ["a", "b"]}),
    "nested": ("metadata:\n  a: {b: 1}", {"metadata": {"a": {"b": 1}}}),
    "a version stays as written": ("version: 1.10", {"version": "1.10"}),
    "a date stays as written": ("date: 2025-01-02", {"date": "2025-01-02"}),
    "a time is no number": ("at: 12:30", {"at": "12:30"}),
    "on is a word": ("on: push\nyes: no", {"on": "push", "yes": "no"}),
    "truth, numbers and nothing": ("a: true\nb: 12\nc:\nd: ~", {"a": True, "b": 12, "c": None, "d": None}),
    "not a number": ("a: .nan\nb: .inf", {"a": ".nan", "b": ".inf"}),
    "keys become text": ("1: a\ntrue: b\nnull: c", {"1": "a", "true": "b", "null": "c"}),
    "a set": ("a: !!set {x, y}", {"a": {"x": None, "y": None}}),
    "tags of its own": ("a: !thing z\nb: !!binary aGk=\nc: !x [1]", {"a": "z", "b": "aGk=", "c": [1]}),
    "a comment": ("# hello\nname: x # there", {"name": "x"}),
    "unicode": ("name: übung 日本", {"name": "übung 日本"}),
    "empty": ("", {}),
}


@pytest.mark.parametrize(("text", "data"), STRICT.values(), ids=STRICT)
def test_strict(text, data):
    parsed = head(text)
    assert parsed.data == data
    assert (parsed.has_head, codes(parsed)) == (True, [])


LENIENT = {
    "two lists behind each other": (
        "description: d\nargument-hint: [a] [b]\nallowed-tools: Bash(git:*), Read",
        {"description": "d", "argument-hint": "[a] [b]", "allowed-tools": "Bash(git:*), Read"},
    ),
    "a colon in a description": ("name: x\ndescription: Use this: now", {"name": "x", "description": "Use this: now"}),
    "a star first": ("allowed-tools: *\nname: x", {"allowed-tools": "*", "name": "x"}),
    "an at sign first": ("author: @me\nname: x", {"author": "@me", "name": "x"}),
    "an open quote": ('description: "half\nname: x', {"description": '"half', "name": "x"}),
    "text behind a quote": ('description: "a" b\nname: x', {"description": '"a" b', "name": "x"}),
    "good values keep their structure": ("tags: [a, b]\nhint: [a] [b]", {"tags": ["a", "b"], "hint": "[a] [b]"}),
    "good lists too": ("tools:\n  - Read\n  - Write\nhint: [a] [b]", {"tools": ["Read", "Write"], "hint": "[a] [b]"}),
    "the first of a key counts": ("name: x\nhint: [a] [b]\nname: y", {"name": "x", "hint": "[a] [b]"}),
    "a tab": ("name:\tx\nhint:\t[a] [b]", {"name": "x", "hint": "[a] [b]"}),
    "an example in the description": (
        "name: x\ndescription: Use it. Examples: <example>Context: c\nuser: 'do'\nmore</example>\ncolor: red",
        {
            "name": "x",
            "description": "Use it. Examples: <example>Context: c",
            "user": "'do'\nmore</example>",
            "color": "red",
        },
    ),
    "a bad tag": ("a: !!int x\nname: x", {"a": "!!int x", "name": "x"}),
    "a key that is no key": ("? [a]\n: b\nname: x", {"name": "x"}),
}


@pytest.mark.parametrize(("text", "data"), LENIENT.values(), ids=LENIENT)
def test_lenient(text, data):
    parsed = head(text)
    assert parsed.data == data
    assert codes(parsed) == ["yaml_invalid"]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(12)
)
HOSTILE = {
    "alias bomb": BOMB,
    "alias of itself": "a: &a [*a]",
    "merge key bomb": "a: &a {x: 1}\nb: {<<: *a}",
    "100,000 brackets": "a: " + "[" * 100_000,
    "100,000 dashes": "- " * 100_000,
    "100,000 question marks": "? " * 100_000,
    "200,000 lines": "a\n" * 100_000,
    "50,000 broken keys": "\n".join(f"k{n}: [a] [b]" for n in range(15_000)),
    "one long line": "a: " + "x: " * 60_000,
    "a long number": "a: " + "9" * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_heads_are_read_in_little_time_and_space(text):
    started = time.process_time()
    parsed = head(text)
    assert time.process_time() - started < 10  # minutes, or the end of the process, without the guards
    assert len(json.dumps(parsed.to_json())) < 4 * MAX_DOCUMENT_BYTES


def test_a_head_that_is_no_mapping_is_no_data():
    parsed = head("- a\n- b")
    assert (parsed.data, parsed.has_head, codes(parsed)) == ({}, True, ["yaml_invalid"])


HEADS = {
    "none": ("# title\n", False, {}),
    "not on the first line": ("\n---\nname: x\n---\n", False, {}),
    "spaces behind the dashes": ("---  \nname: x\n--- \t\nbody", True, {"name": "x"}),
    "CRLF": ("---\r\nname: x\r\ndescription: d\r\n---\r\n", True, {"name": "x", "description": "d"}),
    "CR": ("---\rname: x\r---\r", True, {"name": "x"}),
    "no line end behind it": ("---\nname: x\n---", True, {"name": "x"}),
    "byte-order mark": ("\ufeff---\nname: x\n---\n", True, {"name": "x"}),
    "empty": ("---\n---\n", True, {}),
    "four dashes": ("----\nname: x\n----\n", False, {}),
    "dashes in a value": ("---\nname: a --- b\n---\n", True, {"name": "a --- b"}),
    "a rule in the body": ("---\nname: x\n---\na\n---\nname: y\n---\n", True, {"name": "x"}),
    "nothing": ("", False, {}),
}


@pytest.mark.parametrize(("text", "has_head", "data"), HEADS.values(), ids=HEADS)
def test_where_the_head_is(text, has_head, data):
    parsed = markdown(text)
    assert (parsed.has_head, parsed.data, codes(parsed)) == (has_head, data, [])


def test_an_unclosed_head_warns():
    assert codes(markdown("---\nname: x\n")) == ["frontmatter_unclosed"]


def test_latin_1_is_read_with_a_warning():
    parsed = markdown(b"---\nname: caf\xe9\n---\n")
    assert (parsed.data, codes(parsed)) == ({"name": "café"}, ["not_utf8"])


def test_what_a_database_refuses_is_taken_out():
    parsed = head('name: a\x00b\nx: "\\0y"')
    assert parsed.data == {"name": "ab", "x": "y"}
    assert codes(parsed) == ["text_cleaned"]
    parsed = json_('{"a\\u0000": "\\ud800x"}')
    assert (parsed.data, codes(parsed)) == ({"a": "x"}, ["text_cleaned"])


def test_a_large_file_is_not_read():
    parsed = markdown(b"---\nname: x\n---\n" + b"x" * 5_000_000)
    assert (parsed.data, codes(parsed)) == ({}, ["manifest_too_large"])
    fits = b"---\nname: x\n---\n".ljust(MAX_DOCUMENT_BYTES, b"x")
    assert markdown(fits).data == {"name": "x"}


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 5\n" % 0


@pytest.mark.parametrize("kind", list(DocumentKind))
def test_a_pointer_of_git_lfs_is_not_taken_for_the_file(kind):
    parsed = parse_document(kind, LFS)
    assert (parsed.is_unread, codes(parsed), parsed.data) == (True, ["lfs_pointer"], {})


@pytest.mark.parametrize("data", [LFS + b"x" * 1024, b"# On LFS\n" + LFS, LFS.replace(b"git-lfs", b"git")])
def test_a_file_about_git_lfs_is_no_pointer(data):
    assert not markdown(data).is_unread


def test_long_strings_and_deep_nesting_are_cut():
    parsed = json_(json.dumps({"a": "x" * (MAX_STRING + 1)}))
    assert (len(parsed.data["a"]), codes(parsed)) == (MAX_STRING, ["value_cut"])
    deep = json_('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1))
    assert codes(deep) == ["value_cut"]


def test_the_mark_is_looked_for_in_the_body_alone():
    assert markdown("---\na: $ARGUMENTS\n---\nbody").marks == ()
    assert markdown("---\na: b\n---\nDo $ARGUMENTS").marks == ("$ARGUMENTS",)
    assert markdown("Do $ARGUMENTS").marks == ("$ARGUMENTS",)


BAD_JSON = {
    "broken": "{",
    "a list": "[1]",
    "a word": "null",
    "nothing": "",
    "a comment": '{"a": 1} // x',
    "NaN": '{"a": NaN}',
    "Infinity": '{"a": -Infinity}',
    "a key twice": '{"a": 1, "b": {"c": 1, "c": 2}}',
    "deep": "[" * 100_000,
    "deep object": '{"a":' * 20_000 + "1" + "}" * 20_000,
    "a long number": '{"a": ' + "9" * 5_000 + "}",
}


@pytest.mark.parametrize("text", BAD_JSON.values(), ids=BAD_JSON)
def test_json_that_is_none(text):
    parsed = json_(text)
    assert (parsed.data, codes(parsed)) == ({}, ["json_invalid"])


def test_json_that_is_some():
    assert json_('\ufeff{"a": [1, 2.5, null, true]}\r\n') == Parsed({"a": [1, 2.5, None, True]})
    assert json_('{"a": 1e999}').data == {"a": "inf"}
    assert json_('{"h": "${CLAUDE_PLUGIN_ROOT}/x"}').marks == ("${CLAUDE_PLUGIN_ROOT}",)


def test_what_is_stored_is_short_and_reads_back_the_same():
    parsed = head("a: [b] [c]\nname: x")
    stored = json.loads(json.dumps(parsed.to_json()))
    assert Parsed.from_json(stored) == parsed
    assert Parsed().to_json() == {}
    assert Parsed.from_json({}) == Parsed()
