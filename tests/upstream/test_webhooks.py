"""Signatures and bodies of webhooks, hostile ones above all."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.upstream.webhooks import (
    Happened,
    NoJson,
    delivery_id,
    is_signed,
    is_tracked,
    read_body,
    read_push,
    read_repository_event,
)

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
# The vector that GitHub publishes.
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
REPOSITORY = {"id": 7, "full_name": "acme/tools", "default_branch": "main"}


def test_githubs_own_vector():
    assert is_signed(BODY, SIGNATURE, [SECRET])


def test_any_of_several_secrets_will_do():
    assert is_signed(BODY, SIGNATURE, ["new", SECRET])
    assert is_signed(BODY, SIGNATURE, [SECRET, "new"])


@pytest.mark.parametrize(
    ("body", "signature", "secrets"),
    [
        (BODY, SIGNATURE, []),
        (BODY, SIGNATURE, ["other"]),
        (BODY + b" ", SIGNATURE, [SECRET]),
        (BODY, "", [SECRET]),
        (BODY, SIGNATURE.removeprefix("sha256="), [SECRET]),
        (BODY, SIGNATURE.upper(), [SECRET]),
        (BODY, SIGNATURE + "0", [SECRET]),
        (BODY, "sha256=\u20ac", [SECRET]),
        (BODY, "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(), [SECRET]),
    ],
    ids=["no secret", "other", "changed", "none", "bare", "upper", "longer", "not ascii", "sha1"],
)
def test_f41_what_is_not_signed(body, signature, secrets):
    assert not is_signed(body, signature, secrets)


@given(st.binary(max_size=300), st.text(max_size=100))
def test_no_header_breaks_it(body, signature):
    assert not is_signed(body, signature, [SECRET])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"1", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"{}x"],
    ids=lambda body: repr(body[:8]),
)
def test_what_is_no_json_object(body):
    with pytest.raises(NoJson):
        read_body(body)


def test_a_delivery_is_known_by_its_id_or_else_by_its_content():
    assert delivery_id("72d3162e-cc78-11e3-81ab-4c9367dc0958", b"") == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    for header in ("", "a b", "x" * 101, "\x00", "\u20ac"):
        assert delivery_id(header, BODY) == f"sha256:{hashlib.sha256(BODY).hexdigest()}"
        assert len(delivery_id(header, BODY)) <= 100


def test_a_push():
    push = read_push({"ref": "refs/heads/main", "after": "a" * 40, "repository": REPOSITORY})
    assert (push.ref, push.repository.id, push.repository.full_name) == ("refs/heads/main", 7, "acme/tools")
    assert push.repository.default_branch == "main"


@pytest.mark.parametrize(
    "changes",
    [
        {"deleted": True},
        {"after": "0" * 40},
        {"ref": None},
        {"ref": ""},
        {"ref": "refs/heads/\x00"},
        {"ref": "\ud800"},
        {"ref": "x" * 256},
        {"ref": ["refs/heads/main"]},
        {"repository": None},
        {"repository": []},
        {"repository": {}},
        {"repository": {**REPOSITORY, "full_name": "acme"}},
        {"repository": {**REPOSITORY, "full_name": "../.."}},
        {"repository": {**REPOSITORY, "full_name": "a/b/c"}},
        {"repository": {**REPOSITORY, "full_name": 7}},
        {"repository": {**REPOSITORY, "full_name": "acme/" + "x" * 300}},
    ],
    ids=repr,
)
def test_what_is_no_push(changes):
    assert read_push({"ref": "refs/heads/main", "after": "a" * 40, "repository": REPOSITORY, **changes}) is None


@pytest.mark.parametrize("number", [None, "7", True, 0, -1, 2**63, 10**400, 1.5, float("nan"), [], {}], ids=repr)
def test_an_id_that_is_none(number):
    push = read_push({"ref": "r", "repository": {**REPOSITORY, "id": number}})
    assert push.repository.id is None


@pytest.mark.parametrize(
    ("pushed", "tracked", "default", "is_it"),
    [
        ("refs/heads/main", "", "main", True),
        ("refs/heads/other", "", "main", False),
        ("refs/tags/main", "", "main", False),
        ("refs/heads/main", "", "", False),
        ("refs/heads/dev/x", "dev/x", "main", True),
        ("refs/heads/dev/x", "refs/heads/dev/x", "main", True),
        ("refs/heads/dev/x", "heads/dev/x", "main", True),
        ("refs/heads/main", "dev", "main", False),
        ("refs/tags/v1", "v1", "main", True),
        ("refs/tags/v2", "v1", "main", False),
        ("refs/heads/main", "a" * 40, "main", False),
    ],
)
def test_f41_whether_a_ref_is_tracked(pushed, tracked, default, is_it):
    assert is_tracked(pushed, tracked, default) is is_it


def event(action, **changes):
    return read_repository_event({"action": action, "repository": REPOSITORY, "changes": changes})


def test_repository_events():
    assert event("archived").happened is Happened.ARCHIVED
    assert event("renamed", repository={"name": {"from": "old"}}).was == "acme/old"
    assert event("transferred", owner={"from": {"user": {"login": "bob"}}}).was == "bob/tools"
    assert event("transferred", owner={"from": {"organization": {"login": "org"}}}).was == "org/tools"
    assert event("renamed", repository={"name": {"from": "../x"}}).was == ""
    assert event("edited", default_branch={"from": "master"}).new_default is True
    assert event("edited", description={"from": ""}).new_default is False
    for action in ("created", "", None, 7, [], {}):
        assert event(action) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
KEYS = ("action", "ref", "after", "deleted", "repository", "changes", "id", "full_name", "default_branch", "owner",
        "name", "from", "user", "login")  # fmt: skip
documents = st.recursive(
    json_values, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=6), max_leaves=20
)


@given(st.dictionaries(st.sampled_from(KEYS), documents, max_size=8))
def test_no_document_breaks_it(document):
    for read in (read_push, read_repository_event):
        told = read(document)
        if told is not None:
            assert "\x00" not in json.dumps([told.repository.full_name, told.repository.default_branch])
            assert told.repository.id is None or 0 < told.repository.id < 2**63
