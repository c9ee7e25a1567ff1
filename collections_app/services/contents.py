"""What lies in an artifact: its files, and the text that tells people what it is. Reads only, follows no link."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from collections_app.domain.names import check_relative
from collections_app.domain.types import FileMode
from collections_app.models import Artifact
from collections_app.services.homes import home, limits
from collections_app.store.content_ids import FileEntry
from collections_app.store.content_on_disk import content_of
from collections_app.store.disk import meaning, open_folder

MAX_PREVIEW = 256 * 1024
_TOLD_IN = ("SKILL.md", "README.md", "readme.md", "skill.md", ".claude-plugin/plugin.json")


@dataclass(frozen=True, slots=True)
class Preview:
    """``data``: the beginning of the file. ``markdown`` False: plain text, JSON perhaps."""

    path: str
    data: bytes
    markdown: bool


def artifact_files(artifact: Artifact) -> Sequence[FileEntry]:
    """The files of an artifact as they lie there now, by path; a single file is one whose path is its name.

    Raises NotFound, UnsafePath, UnsafeLink, SpecialFile, LimitExceeded, DiskDenied.
    """
    parts = check_relative(artifact.path)
    folder = home().collection(artifact.collection.slug)
    with meaning(artifact.path), _opened_folder(folder, parts[:-1]):
        pass  # no link on the way
    content = content_of(folder.joinpath(*parts), limits=limits())
    return [entry if entry.path else entry._replace(path=parts[-1]) for entry in content.files]


def artifact_preview(artifact: Artifact, files: Sequence[FileEntry]) -> Preview | None:
    """The file that describes the artifact: SKILL.md, README.md, the command itself. None where there is none.

    Raises as ``artifact_files``.
    """
    kind = artifact.kind
    names = {entry.path: entry for entry in files if entry.mode is not FileMode.SYMLINK}
    is_folder = kind is None or kind.is_folder
    wanted = next((name for name in _TOLD_IN if name in names), None) if is_folder else next(iter(names), None)
    if wanted is None:
        return None
    path = f"{artifact.path}/{wanted}" if is_folder else artifact.path
    data = read_head(artifact.collection.slug, path)
    return Preview(wanted, data, wanted.lower().endswith(".md"))


def read_head(slug: str, path: str) -> bytes:
    """The first ``MAX_PREVIEW`` bytes of a file of a collection, and one more where there are more; follows no link.

    Raises NotFound, UnsafePath, UnsafeLink, DiskDenied.
    """
    return _read(home().collection(slug), check_relative(path))


def artifact_file(artifact: Artifact, entry: FileEntry) -> bytes:
    """The bytes of one of ``artifact_files``, as ``read_head`` reads them; of a link its target.

    Raises as ``read_head``.
    """
    kind = artifact.kind
    path = f"{artifact.path}/{entry.path}" if kind is None or kind.is_folder else artifact.path
    if entry.mode is not FileMode.SYMLINK:
        return read_head(artifact.collection.slug, path)
    parts = path.split("/")
    with meaning(parts[-1]), _opened_folder(home().collection(artifact.collection.slug), parts[:-1]) as fd:
        return os.fsencode(os.readlink(parts[-1], dir_fd=fd))


@contextmanager
def _opened_folder(folder: os.PathLike[str], parts: Sequence[str]) -> Iterator[int]:
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with open_folder(root, parts) as fd:
            yield fd
    finally:
        os.close(root)


def _read(folder: os.PathLike[str], parts: Sequence[str]) -> bytes:
    with meaning(parts[-1]):
        with _opened_folder(folder, parts[:-1]) as fd:
            file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
        with open(file, "rb") as opened:
            return opened.read(MAX_PREVIEW + 1)
