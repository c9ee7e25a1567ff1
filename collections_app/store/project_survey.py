"""What lies in the clients' folders of a project and stands in no record: made by hand, or by another tool.

Skills, plugins, commands and agents, which are files of their own. Hooks and servers without a record are the
project's own settings, and none of our business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from collections_app.domain.deploy_targets import Profile
from collections_app.domain.types import ArtifactKind
from collections_app.store.project_disk import ProjectDisk
from skillmeat_site.core.errors import LimitExceeded

MAX_DEPTH = 8
"""Folders inside one another that a namespace may have."""
MAX_FOUND = 5_000
_DOCUMENTS = {ArtifactKind.COMMAND: "commands", ArtifactKind.AGENT: "agents"}


@dataclass(frozen=True, slots=True)
class Loose:
    """``path``: from the project's folder. ``oid`` None: it has none, as a folder with links that lead out."""

    profile: Profile
    kind: ArtifactKind
    name: str
    path: str
    oid: str | None


def survey(disk: ProjectDisk, recorded: Collection[str]) -> list[Loose]:
    """Everything of the kind that is at none of the ``recorded`` paths.

    Raises LimitExceeded beyond MAX_FOUND, ``disk_denied`` and ``changed_on_disk`` where it cannot be told.
    """
    found: list[Loose] = []
    for profile in Profile:
        for kind, name, path in _found(disk, profile):
            if path in recorded:
                continue
            if len(found) == MAX_FOUND:
                raise LimitExceeded(f"The project has more than {MAX_FOUND} artifacts that stand in no record.")
            found.append(Loose(profile, kind, name, path, disk.look(path).oid))
    return found


def _found(disk: ProjectDisk, profile: Profile) -> Iterator[tuple[ArtifactKind, str, str]]:
    skills = f"{profile.root}/skills"
    for name, is_folder in disk.entries(skills):
        if is_folder and not name.startswith("."):
            inside = disk.entries(f"{skills}/{name}")
            if (".claude-plugin", True) in inside:
                yield ArtifactKind.PLUGIN, name, f"{skills}/{name}"
            elif ("SKILL.md", False) in inside:
                yield ArtifactKind.SKILL, name, f"{skills}/{name}"
    for kind, folder in _DOCUMENTS.items():
        yield from _documents(disk, kind, f"{profile.root}/{folder}", ())


def _documents(
    disk: ProjectDisk, kind: ArtifactKind, folder: str, spaces: tuple[str, ...]
) -> Iterator[tuple[ArtifactKind, str, str]]:
    for name, is_folder in disk.entries("/".join((folder, *spaces))):
        if name.startswith("."):
            continue
        if is_folder and len(spaces) < MAX_DEPTH:
            yield from _documents(disk, kind, folder, (*spaces, name))
        elif not is_folder and name.endswith(".md"):
            yield kind, ":".join((*spaces, name[:-3])), "/".join((folder, *spaces, name))
