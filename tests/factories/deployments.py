"""Projects, deployments, and artifacts whose files are on disk."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import factory
from django.conf import settings
from django.utils import timezone

from collections_app.models import Artifact, Collection, Deployment, Project
from collections_app.store.content_on_disk import content_oid

PATHS = {
    "skill": "skills/{}",
    "command": "commands/{}.md",
    "agent": "agents/{}.md",
    "hook": "hooks/{}.json",
    "mcp": "mcp/{}.json",
    "plugin": "plugins/{}",
}


class ProjectFactory(factory.django.DjangoModelFactory):
    """A registered project whose folder is not made; ``put_project`` makes one with a folder."""

    name = factory.Sequence(lambda n: f"project{n}")
    path = factory.LazyAttribute(lambda project: f"/projects/{project.name}")

    class Meta:
        model = Project


class DeploymentFactory(factory.django.DjangoModelFactory):
    """A row, without files."""

    id = factory.LazyFunction(uuid.uuid4)
    project = factory.SubFactory(ProjectFactory)
    artifact = None
    profile = "claude_code"
    type = "skill"
    name = factory.Sequence(lambda n: f"skill{n}")
    target = factory.LazyAttribute(lambda row: f".claude/skills/{row.name}")
    content_oid = "1" * 40
    deployed_at = factory.LazyFunction(timezone.now)

    class Meta:
        model = Deployment


def put_files(folder: Path, files: dict[str, str]) -> None:
    """Write files; those that end in .sh are executable."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if name.endswith(".sh"):
            os.chmod(path, 0o755)


def put_artifact(type_: str, name: str, files: dict[str, str] | str, *, collection: str = "default") -> Artifact:
    """Write an artifact into its collection's folder, as an import would leave it, and its row; or write it anew."""
    path = PATHS[type_].format(name.replace(":", "/"))
    place = Path(settings.SKILLMEAT_HOME) / "collections" / collection / path
    if isinstance(files, str):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(files)
    else:
        put_files(place, files)
    row, _ = Collection.objects.get_or_create(slug=collection)
    oid = content_oid(place) or ""
    columns = {"path": path, "origin": "local", "content_oid": oid, "base_oid": oid}
    return Artifact.objects.update_or_create(collection=row, type=type_, name=name, defaults=columns)[0]


def put_project(root: Path, name: str = "app") -> Project:
    """Make a folder below an allowed root and register it."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    return Project.objects.create(path=os.path.realpath(folder), name=name)
