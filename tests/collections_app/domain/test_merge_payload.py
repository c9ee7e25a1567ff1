"""Artifacts of hooks and servers: the shapes that are taken, and the ids of what they put into a file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.json_merge import inspect, merge
from collections_app.domain.merge_slots import needs_plugin, read_payload
from collections_app.domain.merge_types import MergeKind
from collections_app.errors import ArtifactInvalid

HOOKS, SERVERS = MergeKind.HOOKS, MergeKind.SERVERS
SERVER = {"command": "npx", "args": ["db"]}
EVENTS = {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}


def read(kind, content, name="db"):
    return read_payload(kind, name, json.dumps(content).encode())


@pytest.mark.parametrize(
    "content",
    [
        {"mcpServers": {"db": SERVER}},
        {"$schema": "https://example.org", "mcpServers": {"db": SERVER}},
        {"db": SERVER},
        {"description": "A database", "db": SERVER},
        SERVER,
    ],
)
def test_servers_wrapped_bare_or_alone(content):
    payload = read(SERVERS, content)
    assert [slot.label for slot in payload.slots] == ["db"]
    assert payload.oid == read(SERVERS, {"db": SERVER}).oid
    assert json.loads(merge(None, payload).data) == {"mcpServers": {"db": SERVER}}


@pytest.mark.parametrize(
    "content", [{"hooks": EVENTS}, {"description": "x", "hooks": EVENTS}, EVENTS, {"description": "x", **EVENTS}]
)
def test_hooks_wrapped_or_bare(content):
    payload = read(HOOKS, content)
    assert payload.oid == read(HOOKS, EVENTS).oid
    assert json.loads(merge(None, payload).data) == {"hooks": EVENTS}


def test_several_servers():
    payload = read(SERVERS, {"b": {"url": "x"}, "a": {"url": "y"}})
    assert [slot.label for slot in payload.slots] == ["b", "a"]
    assert payload.oid == read(SERVERS, {"a": {"url": "y"}, "b": {"url": "x"}}).oid


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (SERVERS, b""),
        (SERVERS, b"[]"),
        (SERVERS, b"{}"),
        (SERVERS, b'{"mcpServers": {}}'),
        (SERVERS, b'{"mcpServers": []}'),
        (SERVERS, b'{"mcpServers": {"a": 1}}'),
        (SERVERS, b'{"mcpServers": {"": {}}}'),
        (SERVERS, b'{"mcpServers": {"\\ud800": {}}}'),
        (SERVERS, b'{"mcpServers": {"a\\u0000": {}}}'),
        (SERVERS, b'{"a": {}, "a": {}}'),
        (HOOKS, b'{"hooks": []}'),
        (HOOKS, b'{"hooks": {"Stop": []}}'),
        (HOOKS, b'{"Stop": {}}'),
        (HOOKS, b'{"Stop": [1]}'),
        (HOOKS, b'{"Stop": [{"hooks": {}}]}'),
        (HOOKS, b'{"Stop": [{"hooks": ["x"]}]}'),
        (HOOKS, b'{"\\udc00": [{"hooks": [{}]}]}'),
        (HOOKS, b"#!/bin/sh\n"),
    ],
)
def test_what_is_no_artifact(kind, data):
    with pytest.raises(ArtifactInvalid):
        read_payload(kind, "x", data)


@pytest.mark.parametrize("kind", MergeKind)
@given(data=st.binary(max_size=120))
def test_any_bytes(kind, data):
    needs_plugin(data)
    try:
        payload = read_payload(kind, "x", data)
    except ArtifactInvalid:
        return
    merged = merge(None, payload)
    assert inspect(merged.data, kind, merged.owned).oid == payload.oid


def test_a_lone_surrogate_inside_of_a_value_is_carried_over():
    payload = read_payload(SERVERS, "x", b'{"a": {"env": {"k": "\\ud800"}}}')
    merged = merge(None, payload)
    assert b'"\\ud800"' in merged.data
    assert inspect(merged.data, SERVERS, merged.owned).oid == payload.oid


def test_the_order_of_hooks_means_nothing_and_that_of_arguments_does():
    one, two = {"type": "command", "command": "1"}, {"type": "command", "command": "2"}
    assert read(HOOKS, {"Stop": [{"hooks": [one, two]}]}).oid == read(HOOKS, {"Stop": [{"hooks": [two, one]}]}).oid
    assert read(SERVERS, {"a": {"args": ["x", "y"]}}).oid != read(SERVERS, {"a": {"args": ["y", "x"]}}).oid


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ('{"command": "${CLAUDE_PLUGIN_ROOT}/x.sh"}', True),
        ('{"command": "\\"$CLAUDE_PLUGIN_ROOT\\"/x.sh"}', True),
        ('{"a": [{"args": ["${CLAUDE_PLUGIN_DATA}"]}]}', True),
        ('{"command": "\\u0024{CLAUDE_PLUGIN_ROOT}/x.sh"}', True),
        ('{"${CLAUDE_PLUGIN_ROOT}": 1}', True),
        ("no JSON ${CLAUDE_PLUGIN_ROOT}", True),
        ('{"command": "${CLAUDE_PROJECT_DIR}/x.sh"}', False),
        ('{"command": "$CLAUDE_PLUGIN_ROOTS"}', False),
        ('{"command": "CLAUDE_PLUGIN_ROOT"}', False),
    ],
)
def test_what_comes_only_with_its_plugin(text, needed):
    assert needs_plugin(text.encode()) is needed
