"""Collections with files on disk, and what is there afterwards, byte for byte."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from collections_app.models import Artifact, Collection
from collections_app.services.collections import create_collection
from collections_app.services.homes import home
from collections_app.services.indexing import index_collection
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport

WHO = {"actor": COMMAND_LINE, "report": SilentReport()}
SKILL = "---\nname: alpha\ndescription: Does things\n---\n\n# Alpha\n\nSteps.\n"
SOME: dict[str, str | bytes] = {
    "skills/alpha/SKILL.md": SKILL,
    "skills/alpha/run.sh": "#!/bin/sh\n",
    "skills/beta/SKILL.md": SKILL.replace("alpha", "beta"),
    "commands/git/sync.md": "Sync.\n",
}

Tree = dict[str, tuple[str, bytes]]


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Write files below a folder; None deletes, a text that begins with ``->`` makes a link."""
    for path, content in files.items():
        file = folder / path
        if content is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("->"):
            file.symlink_to(content[2:])
            continue
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(0o755 if path.endswith(".sh") else 0o644)


def filled(slug: str = "default", files: Mapping[str, str | bytes | None] = SOME) -> Collection:
    """A collection with these files, indexed."""
    create_collection(slug, **WHO)
    write(home().collection(slug), files)
    index_collection(slug, **WHO)
    return Collection.objects.get(slug=slug)


def folder_of(collection: Collection) -> Path:
    return home().collection(collection.slug)


def tree_of(folder: Path) -> Tree:
    """Path → (what it is, its bytes) of everything but the working folder."""
    found: Tree = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".skillmeat"]
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*files, *links):
            file = Path(place) / name
            if file.is_symlink():
                found[str(file.relative_to(folder))] = ("link", os.fsencode(os.readlink(file)))
            else:
                kind = "executable" if file.stat().st_mode & 0o100 else "file"
                found[str(file.relative_to(folder))] = (kind, file.read_bytes())
    return found


def artifact(collection: Collection, name: str = "alpha", type_: str = "skill") -> Artifact:
    return Artifact.objects.get(collection=collection, type=type_, name=name)


def nothing_left(collection: Collection) -> bool:
    """No journal, no working folder."""
    journal = home().journal
    return not (journal.exists() and list(journal.iterdir())) and not (folder_of(collection) / ".skillmeat").exists()
