"""Same type and same content twice in one source: one entry is the artifact, the others point to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from marketplace.domain.types import Detected

Key = TypeVar("Key")


def rank(artifact: Detected) -> tuple[int, bool, int, str]:
    """Better first: surer, mapped by hand, shorter path, then the path itself, so that the order is total."""
    return (-artifact.confidence, not artifact.manual, len(artifact.path), artifact.path)


def duplicates(found: Mapping[Key, Detected]) -> dict[Key, Key]:
    """For each artifact that repeats a better one: that one's key. Byte-identical ones only, never by name.

    One whose content id is unknown (a truncated listing) repeats nothing.
    """
    groups: dict[tuple[str, str], list[Key]] = {}
    for key, artifact in found.items():
        if artifact.content_oid:
            groups.setdefault((artifact.type, artifact.content_oid), []).append(key)
    result: dict[Key, Key] = {}
    for keys in groups.values():
        if len(keys) > 1:
            best, *others = sorted(keys, key=lambda key: rank(found[key]))
            result.update(dict.fromkeys(others, best))
    return result


def best_contents(found: Mapping[Key, Detected], repeated: Iterable[Key]) -> list[tuple[str, str]]:
    """(type, content id) of each artifact that repeats no other of its source: once per known content."""
    skipped = set(repeated)
    return [
        (artifact.type.value, artifact.content_oid)
        for key, artifact in found.items()
        if artifact.content_oid and key not in skipped
    ]
