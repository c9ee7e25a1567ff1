"""Servers and hook handlers read from JSON, alike from an artifact and from a project's file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from collections_app.domain.json_canonical import (
    canonical,
    canonical_array,
    canonical_object,
    canonical_oid,
    canonical_string,
)
from collections_app.domain.json_text import Fragment, JsonTextError, NodeKind, parse_json
from collections_app.domain.merge_types import MergeKind, Slot
from collections_app.errors import ArtifactInvalid

_ANY: Final = ("", "*")
"""Matchers that mean every tool, like no matcher at all."""
_IDENTIFYING: Final = ("type", "if", "command", "args", "url", "server", "tool", "prompt")
_REMARKS: Final = ("$schema", "description")
_PLUGIN_VARIABLE = re.compile(r"\$\{?CLAUDE_PLUGIN_(?:ROOT|DATA)\b")


@dataclass(frozen=True, slots=True)
class Payload:
    """What an artifact puts into the file. ``oid``: the content id that drift compares."""

    kind: MergeKind
    slots: tuple[Slot, ...]
    oid: str


def read_payload(kind: MergeKind, name: str, data: bytes) -> Payload:
    """The hooks or servers of an artifact's file, wrapped (``{"hooks": …}``, ``{"mcpServers": …}``) or bare.

    A file of one server's settings alone is a server of the artifact's name. Raises ``ArtifactInvalid``.
    """
    try:
        root = parse_json(data)
    except JsonTextError as error:
        raise ArtifactInvalid(f"{kind.value}: {error}") from error
    if root.kind is not NodeKind.OBJECT:
        raise ArtifactInvalid(f"{kind.value}: not an object")
    wrapped = root.get(kind.value)
    content = wrapped if wrapped is not None else root
    slots = _payload_servers(content, name) if kind is MergeKind.SERVERS else _payload_hooks(content)
    if not slots:
        raise ArtifactInvalid(f"{kind.value}: empty")
    return Payload(kind, slots, owned_part_oid(kind, slots))


def needs_plugin(data: bytes) -> bool:
    """Whether a hook or server names its plugin's folder, which only a deployed plugin has."""
    try:
        strings: Iterable[str] = parse_json(data).strings()
    except JsonTextError:
        strings = (data.decode("utf-8", "replace"),)
    return any(_PLUGIN_VARIABLE.search(text) for text in strings)


def owned_part_oid(kind: MergeKind, slots: Iterable[Slot]) -> str:
    """The id of the part of a file that one deployment owns; the same for the artifact that it came from.

    git's blob id of what ``owned_part`` tells.
    """
    return canonical_oid(owned_part(kind, slots))


def owned_part(kind: MergeKind, slots: Iterable[Slot]) -> str:
    """That part as canonical JSON: ``{"mcpServers": {name: server}}``, or ``{"hooks": {event: [group, …]}}``.

    One group for each handler, sorted, for all hooks of an event run at once and their order means nothing.
    """
    if kind is MergeKind.SERVERS:
        inner = canonical_object({slot.label: slot.part for slot in slots})
    else:
        events: dict[str, list[str]] = {}
        for slot in slots:
            events.setdefault(slot.section, []).append(slot.part)
        inner = canonical_object({event: canonical_array(sorted(parts)) for event, parts in events.items()})
    return canonical_object({kind.value: inner})


def slots_of(kind: MergeKind, content: Fragment | None) -> tuple[Slot, ...]:
    """Every server or handler below the kind's key; what is of no such shape is nobody's and passed over."""
    if content is None:
        return ()
    read: Callable[[Fragment], Iterator[Slot]] = _servers if kind is MergeKind.SERVERS else _hooks
    return tuple(read(content))


def _servers(content: Fragment) -> Iterator[Slot]:
    for index, (name, value) in enumerate(content.members()):
        child = content.node.children[index]
        spelled = content.text[child.start : child.key_end]
        yield _server(name, value, spelled, index)


def _server(name: str, value: Fragment, spelled: str, index: int) -> Slot:
    part = canonical(value)
    return Slot(MergeKind.SERVERS.value, name, name, canonical_oid(part), part, value, spelled, (index, 0))


def _hooks(content: Fragment) -> Iterator[Slot]:
    for event, groups in content.members():
        spelled = next(
            content.text[child.start : child.key_end] for child in content.node.children if child.key == event
        )
        for i, group in enumerate(groups.items()):
            handlers = group.get("hooks")
            for j, handler in enumerate(handlers.items() if handlers is not None else ()):
                yield _hook(event, spelled, group, handler, (i, j))


def _hook(event: str, spelled: str, group: Fragment, handler: Fragment, place: tuple[int, int]) -> Slot:
    matcher = matcher_of(group)
    body = canonical(handler)
    head = {"matcher": matcher} if matcher else {}
    part = canonical_object({**head, "hooks": canonical_array([body])})
    named = {key: canonical(value) for key, value in handler.members() if key in _IDENTIFYING}
    kind = handler.get("type")
    plain = group.get("matcher")
    shown = (plain.string() or "").encode("utf-8", "backslashreplace").decode() if plain is not None else ""
    return Slot(
        section=event,
        label=f"{event}[{shown}]" if shown else event,
        identity=canonical_oid(canonical_array([matcher, canonical_object(named) if named else body])),
        oid=canonical_oid(part),
        part=part,
        value=handler,
        spelled_key=spelled,
        place=place,
        matcher=matcher,
        value_oid=canonical_oid(body),
        kin=canonical_oid(canonical_array([matcher, canonical(kind) if kind is not None else "null"])),
        group=group,
    )


def matcher_of(group: Fragment) -> str:
    """The group's matcher in canonical JSON; empty for the three spellings of "everything"."""
    found = group.get("matcher")
    if found is None or found.string() in _ANY:
        return ""
    return canonical(found)


def _payload_servers(content: Fragment, name: str) -> tuple[Slot, ...]:
    if content.kind is not NodeKind.OBJECT:
        raise ArtifactInvalid("mcpServers: not an object")
    if any((value := content.get(key)) is not None and value.string() is not None for key in ("command", "url")):
        return (_server(name, content, canonical_string(name), 0),)
    slots = [slot for slot in _servers(content) if not _remark(slot.label, slot.value)]
    for slot in slots:
        _check_name(slot.label)
        if slot.value.kind is not NodeKind.OBJECT:
            raise ArtifactInvalid(f"mcpServers: {slot.label!a} is not an object")
    return tuple(slots)


def _payload_hooks(content: Fragment) -> tuple[Slot, ...]:
    if content.kind is not NodeKind.OBJECT:
        raise ArtifactInvalid("hooks: not an object")
    for event, groups in content.members():
        if _remark(event, groups):
            continue
        _check_name(event)
        if groups.kind is not NodeKind.ARRAY:
            raise ArtifactInvalid(f"hooks: {event!a} is not a list of groups")
        for group in groups.items():
            handlers = group.get("hooks")
            if handlers is None or handlers.kind is not NodeKind.ARRAY:
                raise ArtifactInvalid(f"hooks: a group of {event!a} has no list of hooks")
            if any(handler.kind is not NodeKind.OBJECT for handler in handlers.items()):
                raise ArtifactInvalid(f"hooks: a hook of {event!a} is not an object")
    return tuple(_hooks(content))


def _check_name(name: str) -> None:
    """Names are remembered in TOML, which has no lone surrogates and allows no NUL in sight of people."""
    if not name or any(ord(sign) < 0x20 or 0xD800 <= ord(sign) <= 0xDFFF for sign in name):
        raise ArtifactInvalid(f"{name!a} cannot be the name of a server or event")


def _remark(key: str, value: Fragment) -> bool:
    return key in _REMARKS and value.string() is not None
