"""What the folders above an artifact say of it: ``skills/05-data-ai/etl/SKILL.md`` is about ``data-ai``.

Only folders count that a person named to sort by. Folders that hold the layout together, artifacts' own names and
whatever no one can read are left out; the three outermost of the rest are tags, for people name from the general to
the particular. Everything here follows from a path, so nothing of it is stored with an entry.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from marketplace.domain.naming import ARTIFACT_FOLDERS, context_of, folder_key, is_below, name_of, stem_of
from skillmeat_site.core.documents.types import Warned

PATH_TAGS_VERSION: Final = 1
"""Raised when a rule here changes, so that sources are scanned anew."""
MAX_PER_PATH: Final = 3
MAX_VALUE: Final = 100
"""Characters of a folder's name. A longer one is no tag: two that are cut alike would become one."""
MAX_NORMALIZED: Final = 50
"""As many as a GitHub topic may have."""
MAX_PER_SOURCE: Final = 500

_WORDS: Final = {
    # what holds a repository of artifacts together
    "layout": "skill command slash-commands agent subagent subagents sub-agents hook mcp-server plugin"
    " external-plugins marketplace marketplaces artifact artifacts category categories",
    # what holds any repository together
    "code": "src source lib libs package packages pkg app apps main master dist build out target bin sbin scripts"
    " assets resources references test tests fixture fixtures doc docs example examples sample samples"
    " template templates vendor vendors third-party node-modules __pycache__ site-packages",
    # where people keep their checkouts, which some commit with them
    "machine": "users home var tmp opt usr etc mnt homelab workspace workspaces projects repos code",
}
EXCLUDED: Final = ARTIFACT_FOLDERS.union(word for words in _WORDS.values() for word in words.split())
_UNUSED: Final = frozenset({"backup", "planned"})
"""Contexts that tell how far along something is, not what it is about."""

_SEPARATORS: Final = frozenset({"Zs", "Pd", "Pc", "Po", "Ps", "Pe", "Pi", "Pf", "Sm", "Sc", "Sk", "So"})
"""Unicode categories of spaces, dashes, punctuation and symbols."""
_KEPT: Final = frozenset(".+#")
"""Punctuation that is part of names: node.js, c++, c#."""
_HOSTILE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, whatever turns or hides text, halves of characters, and characters that no one has defined."""
_NUMBER_PREFIX = re.compile(r"^(?:\d+[-.]+)+")


class PathTag(NamedTuple):
    """A folder's name as it stands in the repository, and the spelling that equal tags share."""

    value: str
    normalized: str


@dataclass(frozen=True, slots=True)
class FoundTag:
    """A tag of a source. ``entries``: how many paths carry it; ``value``: its most frequent spelling."""

    value: str
    normalized: str
    entries: int = 1


def normalize(text: str) -> str:
    """Return the one spelling of a tag, "" where ``text`` is none: empty, too long, hostile, or without a letter.

    NFKC and case folded, separators and symbols one ``-``. Normalising again changes nothing.
    """
    if len(text) > MAX_VALUE or any(unicodedata.category(char) in _HOSTILE for char in text):
        return ""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    joined = "".join(char if char in _KEPT or not _separates(char) else "-" for char in folded)
    word = unicodedata.normalize("NFC", _trimmed(re.sub(r"-+", "-", joined)))
    return word if len(word) <= MAX_NORMALIZED and any(char.isalpha() for char in word) else ""


@lru_cache(maxsize=4096)  # the same few folder names all over a listing
def tag_of(segment: str) -> PathTag | None:
    """Return the tag that a folder's name stands for; None where it says nothing or cannot be trusted."""
    if segment.startswith("."):
        return None
    word = normalize(segment)
    bare = _trimmed(_NUMBER_PREFIX.sub("", word))
    if len(bare) < 2 or not any(char.isalpha() for char in bare):
        return None
    if {word, bare, segment.casefold()} & EXCLUDED or context_of(bare) in _UNUSED:
        return None
    return PathTag(segment, bare)


def path_tags(path: str, root_hint: str = "") -> tuple[PathTag, ...]:
    """Return the tags of an entry at ``path`` (its folder, or its file), at most three, each once.

    Folders above ``root_hint`` are not asked. A folder called like the artifact itself repeats its name and is none.
    """
    root = folder_key(root_hint)
    if not is_below(path, root):
        return ()
    folders = path.removeprefix(root).strip("/").split("/")[:-1]
    own = tag_of(stem_of(name_of(path)))
    found: dict[str, PathTag] = {}
    for folder in folders:
        tag = tag_of(folder)
        if tag is not None and tag.normalized not in found and (own is None or tag.normalized != own.normalized):
            found[tag.normalized] = tag
    return tuple(found.values())[:MAX_PER_PATH]


def tags_for(path: str, approved: Collection[str], root_hint: str = "") -> tuple[str, ...]:
    """Return which ``approved`` (normalized) tags of a source an entry at ``path`` carries, outermost first."""
    return tuple(tag.normalized for tag in path_tags(path, root_hint) if tag.normalized in approved)


def collect_tags(paths: Iterable[str], root_hint: str = "") -> dict[str, FoundTag]:
    """Return the tags of all entries by normalized spelling. Does not depend on the order of ``paths``."""
    spellings: dict[str, Counter[str]] = {}
    for path in paths:
        for tag in path_tags(path, root_hint):
            spellings.setdefault(tag.normalized, Counter())[tag.value] += 1
    return {
        normalized: FoundTag(min(values, key=lambda value: (-values[value], value)), normalized, values.total())
        for normalized, values in spellings.items()
    }


def within_bound(found: Mapping[str, FoundTag], known: Collection[str] = ()) -> dict[str, FoundTag]:
    """Return at most 500 of them: known ones first, lest a decision seem gone, then those that most entries carry."""
    if len(found) <= MAX_PER_SOURCE:
        return dict(found)
    ranked = sorted(found.values(), key=lambda tag: (tag.normalized not in known, -tag.entries, tag.normalized))
    return {tag.normalized: tag for tag in ranked[:MAX_PER_SOURCE]}


def cut_warnings(found: Mapping[str, FoundTag]) -> tuple[Warned, ...]:
    """Say that some tags are left out, where ``within_bound`` leaves some out."""
    left_out = len(found) - MAX_PER_SOURCE
    if left_out <= 0:
        return ()
    return (Warned("tags_cut", f"{left_out} of {len(found)} path tags were left out: a source has {MAX_PER_SOURCE}"),)


def _separates(char: str) -> bool:
    return unicodedata.category(char) in _SEPARATORS


def _trimmed(word: str) -> str:
    """Without what no name begins or ends with; ``+`` and ``#`` may end one."""
    start = next((at for at, char in enumerate(word) if char.isalnum()), len(word))
    return word[start:].rstrip("-.")
