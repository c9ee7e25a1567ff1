"""What lies in an artifact: its files, and the text that tells people what it is. Reads only, follows no link."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
    """``markdown`` False: plain text, JSON perhaps. ``cut``: there is more."""

    path: str
    text: str
    markdown: bool
    cut: bool


def artifact_files(artifact: Artifact) -> Sequence[FileEntry]:
    """The files of an artifact as they lie there now, by path; a single file is one whose path is its name.

    Raises NotFound, UnsafePath, UnsafeLink, SpecialFile, LimitExceeded, DiskDenied.
    """
    parts = check_relative(artifact.path)
    folder = home().collection(artifact.collection.slug)
    with meaning(artifact.path):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with open_folder(fd, parts[:-1]):  # no link on the way
                pass
        finally:
            os.close(fd)
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
    text = data[:MAX_PREVIEW].decode("utf-8", "replace")
    return Preview(wanted, text, wanted.lower().endswith(".md"), len(data) > MAX_PREVIEW)


def read_head(slug: str, path: str) -> bytes:
    """The first ``MAX_PREVIEW`` bytes of a file of a collection, and one more where there are more; follows no link.

    Raises NotFound, UnsafePath, UnsafeLink, DiskDenied.
    """
    return _read(home().collection(slug), check_relative(path))


def _read(folder: os.PathLike[str], parts: Sequence[str]) -> bytes:
    with meaning(parts[-1]):
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with open_folder(root, parts[:-1]) as fd:
                file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
        finally:
            os.close(root)
        with open(file, "rb") as opened:
            return opened.read(MAX_PREVIEW + 1)
