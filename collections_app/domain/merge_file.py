"""The text of a file while keys are put in and taken out, and the containers that were filled for them."""

from __future__ import annotations

from collections.abc import Iterable

from collections_app.domain import json_edit
from collections_app.domain.json_text import Fragment, JsonTextError, NodeKind, parse_json, parse_text
from collections_app.domain.merge_slots import slots_of
from collections_app.domain.merge_types import Container, MergeKind, Slot
from collections_app.errors import SettingsInvalid

_EMPTY_FILE = "{}\n"


def read_file(kind: MergeKind, data: bytes | None) -> Fragment:
    """The document; an empty one where there is no file. Raises ``SettingsInvalid`` for what cannot be merged into."""
    if data is None:
        return parse_text(_EMPTY_FILE)
    try:
        root = parse_json(data)
    except JsonTextError as error:
        raise SettingsInvalid(f"{kind.file}: {error}") from error
    if root.kind is not NodeKind.OBJECT:
        raise SettingsInvalid(f"{kind.file}: not an object")
    content = root.get(kind.value)
    if content is not None and content.kind is not NodeKind.OBJECT:
        raise SettingsInvalid(f"{kind.file}: {kind.value!r} is not an object")
    return root


def check_sections(kind: MergeKind, root: Fragment, sections: Iterable[str]) -> None:
    """Raises ``SettingsInvalid`` if an event that is to be filled is no list."""
    for section in sorted(sections) if kind is MergeKind.HOOKS else ():
        found = root.at((kind.value, section))
        if found is not None and found.kind is not NodeKind.ARRAY:
            raise SettingsInvalid(f"{kind.file}: {section!a} is not a list")


class MergeFile:
    """One file being edited. Places of slots stay true while slots are replaced and inserted, and while they are
    removed from the last to the first."""

    def __init__(self, kind: MergeKind, data: bytes | None, containers: Iterable[Container]) -> None:
        self.kind = kind
        self.root = read_file(kind, data)
        self.gone = False
        self._claims = {container.path: container.inner for container in containers}
        self._made: set[tuple[str, ...]] = set()
        if data is None:
            self._made.add(())
            self._claims[()] = None

    @property
    def data(self) -> bytes | None:
        """The file's new bytes; None if it is to be deleted."""
        return None if self.gone else self.root.text.encode("utf-8")

    @property
    def containers(self) -> tuple[Container, ...]:
        return tuple(Container(path, self._claims[path]) for path in sorted(self._claims))

    def slots(self) -> tuple[Slot, ...]:
        return slots_of(self.kind, self.root.get(self.kind.value))

    def insert(self, slots: list[Slot]) -> None:
        """Puts in slots of an artifact: servers one by one, handlers of one group of the artifact as one group."""
        self._ensure((self.kind.value,), f'"{self.kind.value}"', "{}")
        if self.kind is MergeKind.SERVERS:
            for slot in slots:
                self._append((self.kind.value,), slot.value, slot.spelled_key)
            return
        groups: dict[tuple[str, int], list[Slot]] = {}
        for slot in slots:
            groups.setdefault((slot.section, slot.place[0]), []).append(slot)
        for (event, _), handlers in groups.items():
            self._ensure((self.kind.value, event), handlers[0].spelled_key, "[]")
            self._append((self.kind.value, event), _group(handlers))

    def replace(self, slot: Slot, value: Fragment) -> None:
        self._set(json_edit.replace(self.root, self._value(slot), value))

    def give_back(self, slot: Slot, raw: str) -> None:
        """Puts the text back that was overwritten."""
        self._set(json_edit.replace_raw(self.root, self._value(slot), raw))

    def remove(self, slot: Slot) -> None:
        """Takes a slot out, with its group and the containers that were made for it, where they are empty now."""
        path: tuple[str, ...] = (self.kind.value,)
        if self.kind is MergeKind.HOOKS:
            path = (self.kind.value, slot.section)
            group, index = slot.place
            handlers = self._handlers(slot)
            if len(handlers.node.children) > 1:
                self._set(json_edit.drop(self.root, handlers, index))
                return
            self._set(json_edit.drop(self.root, self._at(path), group))
        else:
            self._set(json_edit.drop(self.root, self._at(path), slot.place[0]))
        self._settle(path)

    def forget_containers(self) -> None:
        """After the last key of ours has gone, what was made for them belongs to whoever filled it."""
        self._claims = {}

    def _settle(self, path: tuple[str, ...]) -> None:
        while path in self._claims and not self._at(path).node.children:
            inner = self._claims.pop(path)
            if inner is not None:
                self._set(json_edit.set_inner(self.root, self._at(path), inner))
                return
            if not path:
                self.gone = True
                return
            parent = self._at(path[:-1])
            keys = [child.key for child in parent.node.children]
            self._set(json_edit.drop(self.root, parent, keys.index(path[-1])))
            path = path[:-1]

    def _ensure(self, path: tuple[str, ...], spelled_key: str, empty: str) -> None:
        if self.root.at(path) is None:
            self._append(path[:-1], json_edit.compose(empty), spelled_key)
            self._made.add(path)
            self._claims[path] = None

    def _append(self, path: tuple[str, ...], value: Fragment, spelled_key: str | None = None) -> None:
        container = self._at(path)
        if not container.node.children and path not in self._made:
            self._claims[path] = json_edit.inner_of(container)
        self._set(json_edit.append(self.root, container, value, spelled_key))

    def _at(self, path: tuple[str, ...]) -> Fragment:
        found = self.root.at(path)
        assert found is not None, "a container that was there a moment ago"
        return found

    def _handlers(self, slot: Slot) -> Fragment:
        group = list(self._at((self.kind.value, slot.section)).items())[slot.place[0]]
        found = group.get("hooks")
        assert found is not None, "a handler was read from this group"
        return found

    def _value(self, slot: Slot) -> Fragment:
        if self.kind is MergeKind.HOOKS:
            return list(self._handlers(slot).items())[slot.place[1]]
        return self._at((self.kind.value, slot.label))

    def _set(self, text: str) -> None:
        self.root = parse_text(text)


def _group(handlers: list[Slot]) -> Fragment:
    """A group of the artifact with only these of its handlers, spelled as in the artifact."""
    group = handlers[0].group
    assert group is not None, "handlers come from a group"
    spelled = ",".join(slot.value.raw for slot in handlers)
    members = [
        f"{group.text[child.start : child.key_end]}:"
        + (f"[{spelled}]" if child.key == "hooks" else group.text[child.value.start : child.value.end])
        for child in group.node.children
    ]
    return json_edit.compose("{" + ",".join(members) + "}")
