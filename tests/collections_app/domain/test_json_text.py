"""JSON read for editing, and the one spelling that ids are made of."""

import json
import subprocess
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.json_canonical import canonical, canonical_oid
from collections_app.domain.json_text import MAX_BYTES, MAX_DEPTH, JsonTextError, parse_json, parse_text
from tests.collections_app.domain.documents import documents, values


@pytest.mark.parametrize(
    ("data", "why"),
    {
        "nothing": (b"", "no value"),
        "white space": (b" \n", "no value"),
        "a comment": (b'{"a": 1} // x', "more follows"),
        "a comment before a key": (b'{\n  // x\n "a": 1}', "no key (line 2, column 3)"),
        "a comment as a value": (b'{"a": /* x */ 1}', "comment"),
        "a comma too many": (b'{"a": 1,}', "no key"),
        "a comma too many in a list": (b"[1,]", "no value"),
        "a key twice": (b'{"a": 1, "a": 2}', "second time"),
        "a key twice, spelled differently": (b'{"a": {"x": 1, "\\u0078": 2}}', "second time"),
        "NaN": (b'{"a": NaN}', "no value"),
        "Infinity": (b'{"a": -Infinity}', "no value"),
        "a leading zero": (b'{"a": 01}', "neither"),
        "a raw line end in a string": (b'{"a": "x\ny"}', "no value"),
        "single quotes": (b"{'a': 1}", "no key"),
        "no colon": (b'{"a" 1}', "no colon"),
        "cut off": (b'{"a": [1', "neither"),
        "UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        "Latin-1": ('{"a": "é"}'.encode("latin-1"), "not UTF-8"),
        "a surrogate in bytes": (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        "another space": ('{"a":\u00a01}'.encode(), "no value"),
        "too deep": (b"[" * (MAX_DEPTH + 2), "deeper"),
        "deep enough to exhaust the stack": (b"[" * 100_000, "deeper"),
        "too large": (b'"' + b"x" * MAX_BYTES + b'"', "larger"),
    }.values(),
)
def test_what_is_refused(data, why):
    with pytest.raises(JsonTextError) as error:
        parse_json(data)
    assert why in str(error.value)


def test_the_deepest_that_is_read():
    parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@given(documents())
def test_a_document_is_read_as_json_reads_it(text):
    root = parse_json(text.encode())
    assert root.text == text
    plain = json.loads(text.removeprefix("\ufeff"))
    assert [key for key, _ in root.members()] == list(plain)
    assert {key: json.loads(value.raw) for key, value in root.members()} == plain


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(data):
    try:
        assert parse_json(data).text.encode() == data
    except JsonTextError:
        return
    json.loads(data.removeprefix(b"\xef\xbb\xbf"))


def exact(text):
    return json.loads(text, parse_int=Fraction, parse_float=Fraction)


@given(values)
def test_equal_values_have_one_spelling_whatever_the_format(value):
    spellings = {
        canonical(parse_text(text))
        for text in (
            json.dumps(value),
            json.dumps(value, ensure_ascii=False, indent=3, separators=(" , ", " : ")),
            json.dumps(value, sort_keys=True),
        )
    }
    (spelling,) = spellings
    assert exact(spelling) == exact(json.dumps(value))
    assert canonical(parse_text(spelling)) == spelling


@pytest.mark.parametrize(
    ("texts", "spelling"),
    [
        (["0", "-0", "0.0", "0e9", "-0E-3"], "0"),
        (["1", "1.0", "10e-1", "0.1E+1", "1.000"], "1"),
        (["1500", "1.5e3", "15E2"], "1500"),
        (["-0.5", "-5e-1", "-0.50"], "-5e-1"),
        (["1e400", "10e399"], "1e400"),
        (["123456789012345678901234567890", "123456789012345678901234567890.0"], "123456789012345678901234567890"),
        (["1e99999999999999999999"], "1e99999999999999999999"),
        (['"a/é"', '"\\u0061\\/\\u00e9"'], '"a/é"'),
        (['"\\ud83d\\ude00"', '"😀"'], '"😀"'),
        (['{"b": 1, "a": [true, null]}'], '{"a":[true,null],"b":1}'),
    ],
)
def test_spellings(texts, spelling):
    assert {canonical(parse_text(text)) for text in texts} == {spelling}


def test_neighbouring_numbers_stay_apart():
    big = ["12345678901234567890", "12345678901234567891", "0.1", "0.10000000000000000001", "1e-7", "1e7"]
    assert len({canonical(parse_text(text)) for text in big}) == len(big)


@pytest.mark.parametrize("text", ['{"a":1}', '"é😀"', "[]"])
def test_the_id_is_gits(text):
    done = subprocess.run(["git", "hash-object", "--stdin"], input=text.encode(), capture_output=True, check=True)
    assert canonical_oid(text) == done.stdout.decode().strip()


def test_a_lone_surrogate_has_an_id():
    spelled = canonical(parse_text('"\\ud800"'))
    assert canonical_oid(spelled) == canonical_oid('"\\ud800"')
