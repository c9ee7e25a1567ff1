"""Names and paths that are safe on every file system, and the way from one to the other.

``namespace:name`` ↔ path: ``skills/<name>``, ``commands/[<ns>/…]<name>.md``, ``agents/[<ns>/…]<name>.md``,
``hooks/<name>.json``, ``mcp/<name>.json``, ``plugins/<name>``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from typing import NamedTuple

from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.errors import UnsafePath
from skillmeat_site.core.text import storable

SEGMENT_BYTES = 255
"""The longest name of a file that common file systems take."""
PATH_BYTES = 1024
MAX_NAME = 300
"""So many characters of a name the index holds."""
RENAME_LIMIT = 100


class _Place(NamedTuple):
    folder: str
    suffix: str
    namespaces: bool


_PLACES = {
    ArtifactKind.SKILL: _Place("skills", "", False),
    ArtifactKind.COMMAND: _Place("commands", ".md", True),
    ArtifactKind.AGENT: _Place("agents", ".md", True),
    ArtifactKind.HOOK: _Place("hooks", ".json", False),
    ArtifactKind.MCP: _Place("mcp", ".json", False),
    ArtifactKind.PLUGIN: _Place("plugins", "", False),
}
FOLDERS = {kind: place.folder for kind, place in _PLACES.items()}
_KINDS = {folder: kind for kind, folder in FOLDERS.items()}

_FORBIDDEN = frozenset('/\\:*?"<>|')  # separators, and what Windows takes in no name
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ADDRESSES = frozenset({"refresh-cache"})
"""What stands beside collections in an address of the REST face: a collection of that name could not be read there."""
_SHOWN = 80


def _refuse(name: str, why: str) -> UnsafePath:
    shown = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
    return UnsafePath(f"{shown!a}: {why}")


def check_segment(segment: str, *, suffix: str = "") -> str:
    """Return ``segment`` if it is safe as the name of an artifact's file or folder, to which ``suffix`` is added.

    Raises ``unsafe_path``: empty, a leading dot, separators, controls, what Windows or macOS would read otherwise.
    """
    if not segment or segment.startswith("."):
        raise _refuse(segment, "empty, or begins with a dot")
    if not _FORBIDDEN.isdisjoint(segment):
        raise _refuse(segment, "a separator, or a mark that some systems refuse")
    plain = segment.isascii() and segment.isprintable()  # most are, and a plan of an import checks thousands
    if not plain and any(unicodedata.category(mark) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for mark in segment):
        raise _refuse(segment, "a control character, an invisible one, or what is no text")
    if segment != segment.strip() or segment.endswith("."):
        raise _refuse(segment, "a dot or a space at the end, or a space at the beginning")
    if _RESERVED.fullmatch(segment):
        raise _refuse(segment, "reserved by Windows")
    if unicodedata.normalize("NFC", segment) != segment:
        raise _refuse(segment, "not in the normal form NFC")
    if len((segment + suffix).encode()) > SEGMENT_BYTES:
        raise _refuse(segment, f"longer than {SEGMENT_BYTES} bytes")
    return segment


def check_name(kind: ArtifactKind, name: str) -> str:
    """Return ``name`` if an artifact of the kind may be called so; raises ``unsafe_path``."""
    place = _PLACES[kind]
    parts = name.split(":")
    if len(parts) > 1 and not place.namespaces:
        raise _refuse(name, f"a {kind} has no namespace")
    for part in parts[:-1]:
        check_segment(part)
    check_segment(parts[-1], suffix=place.suffix)
    if len(artifact_path_unchecked(kind, name).encode()) > PATH_BYTES:
        raise _refuse(name, f"its path is longer than {PATH_BYTES} bytes")
    return name


def normalised(name: str) -> str:
    """The name in NFC, as it is stored: a repository written on macOS may hold the same letters decomposed."""
    return unicodedata.normalize("NFC", name)


def stored_ref(ref: ArtifactRef) -> ArtifactRef:
    """Type and name as the index has them: without U+0000, and not longer than its column."""
    name = storable(ref.name)[:MAX_NAME]
    return ref if name == ref.name else ArtifactRef(ref.type, name)


def artifact_path_unchecked(kind: ArtifactKind, name: str) -> str:
    """The path that ``artifact_path`` gives, without looking whether the name is safe."""
    place = _PLACES[kind]
    return f"{place.folder}/{name.replace(':', '/')}{place.suffix}"


def artifact_path(kind: ArtifactKind, name: str) -> str:
    """Where in a collection the artifact stands; raises ``unsafe_path`` for a name that is not safe."""
    return artifact_path_unchecked(kind, check_name(kind, name))


def artifact_at(path: str) -> ArtifactRef | None:
    """The artifact that stands at this path of a collection, or None where none can stand.

    ``artifact_at(artifact_path(kind, name)) == (kind, name)``. Raises ``unsafe_path`` where one would stand but for
    its name.
    """
    folder, *parts = path.split("/")
    kind = _KINDS.get(folder)
    if kind is None or not parts:
        return None
    place = _PLACES[kind]
    if not parts[-1].endswith(place.suffix) or (len(parts) > 1 and not place.namespaces):
        return None
    if any(":" in part for part in parts):
        raise _refuse(path, "a colon")
    parts[-1] = parts[-1].removesuffix(place.suffix)
    return ArtifactRef(kind, check_name(kind, ":".join(parts)))


def check_relative(path: str) -> tuple[str, ...]:
    """Split a path below some folder into its parts; raises ``unsafe_path`` for one that could lead elsewhere.

    Laxer than ``check_segment``, as files inside an artifact are called whatever their author liked: refused are
    absolute paths, empty parts, ``.``, ``..``, NUL, backslashes, parts over 255 bytes, paths over 1,024 times four
    bytes, what is no UTF-8, and ``.git`` with all its disguises (other case, ``git~1``, trailing dots, spaces or
    streams, invisible characters): git refuses those too, so no history could hold them.
    """
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        raise _refuse(path, "not UTF-8") from None
    if not path or "\0" in path or "\\" in path or len(raw) > 4 * PATH_BYTES:
        raise _refuse(path, "empty, too long, or with NUL or a backslash")
    parts = tuple(path.split("/"))
    for part in parts:
        if part in ("", ".", "..") or len(part.encode()) > SEGMENT_BYTES:
            raise _refuse(path, "an empty part, '.', '..', or one that is too long")
        if is_dot_git(part):
            raise _refuse(path, "'.git', or what some file system takes for it")
    return parts


# What HFS+ ignores in names; the list that git has.
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def is_dot_git(segment: str) -> bool:
    """Whether any file system would take the name for ``.git``."""
    plain = _IGNORED.sub("", segment).split(":", 1)[0].rstrip(". ").lower()
    return plain in (".git", "git~1")


def collision_key(path: str) -> str:
    """Equal for paths that some file system takes for the same: NFC, letter case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def check_slug(slug: str) -> str:
    """Return ``slug`` if a collection may be called so: a-z, 0-9 and dashes, at most 63; raises ``unsafe_path``."""
    if not _SLUG.fullmatch(slug) or _RESERVED.fullmatch(slug) or slug in _ADDRESSES:
        raise _refuse(slug, "a slug has up to 63 of a-z, 0-9 and dashes, and begins and ends with none")
    return slug


def renamed(name: str, taken: Container[str], *, kind: ArtifactKind, limit: int = RENAME_LIMIT) -> str | None:
    """The first of ``name-1``, ``name-2``, … that is free, or None where ``limit`` of them are taken.

    ``taken`` holds collision keys of names. The last part is cut where the number would make it too long.
    """
    namespace, separator, last = name.rpartition(":")
    room = SEGMENT_BYTES - len(_PLACES[kind].suffix) - len(f"-{limit}")
    cut = last.encode()[:room].decode(errors="ignore").rstrip(". ") if len(last.encode()) > room else last
    for number in range(1, limit + 1):
        candidate = f"{namespace}{separator}{cut}-{number}"
        if collision_key(candidate) not in taken:
            return candidate
    return None
