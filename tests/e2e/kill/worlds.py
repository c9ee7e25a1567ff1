"""What is done, over and over, and killed one step later each time; and how each time begins from the same place."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, connections

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.errors import CollectionBusy
from collections_app.models import Artifact, Collection, Deployment, Project
from collections_app.services.artifacts import edit_artifacts, remove_artifacts
from collections_app.services.collections import delete_collection
from collections_app.services.deploying import DeployOptions, deploy_artifacts
from collections_app.services.snapshots import restore_snapshot, snapshot_collection
from marketplace.models import CatalogEntry, EntryImport, Source
from marketplace.services.import_coordinator import ImportCoordinator
from marketplace.services.reimport import ReimportOptions, reimport_entry
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import skill
from tests.marketplace.scanning import scan

HOME = Path(settings.SKILLMEAT_HOME)
REPOSITORY = Path(settings.SKILLMEAT_LOCAL_SOURCE_ROOTS[0]) / "tools.git"
PROJECT = Path(settings.SKILLMEAT_PROJECT_ROOTS[0]) / "app"
FOLDER = HOME / "collections" / "default"
FIRST = {
    "skills/alpha/SKILL.md": skill("alpha"),
    "skills/alpha/notes/long.txt": "long\n" * 50,
    "skills/beta/SKILL.md": skill("beta"),
    ".claude/commands/ops/deploy.md": "---\ndescription: Deploys\n---\n\nDeploy $ARGUMENTS\n",
}
SECOND = {
    "skills/alpha/SKILL.md": skill("alpha", "Does other things"),
    "skills/alpha/notes/long.txt": None,
    "skills/alpha/new.txt": "new\n",
    "skills/beta/SKILL.md": skill("beta", "Does other things"),
    ".claude/commands/ops/deploy.md": "---\ndescription: Deploys\n---\n\nDeploy it all: $ARGUMENTS\n",
}


def imported(*paths: str, strategy: str = "skip") -> list[str]:
    """Import the entries at these paths (all: none given); the statuses."""
    entries = CatalogEntry.objects.order_by("pk")
    ids = [entry.pk for entry in entries if not paths or entry.path in paths]
    result = ImportCoordinator().import_entries(ids, Source.objects.get().pk, strategy)
    return [entry.status.value for entry in result.entries]


def changed_upstream() -> None:
    commit(REPOSITORY, SECOND, "second", time=1_767_225_700)
    scan(Source.objects.get())


def nothing() -> None:
    pass


def import_new() -> None:
    assert set(imported()) <= {"success", "skipped"}


def import_over() -> None:
    assert imported(strategy="overwrite") == ["success"] * 3


def import_beside() -> None:
    """One of three cannot come: something that nobody has recorded gets there first."""
    assert set(imported()) <= {"success", "skipped", "error", "conflict"}


def reimport(*, keep: bool) -> None:
    entry = CatalogEntry.objects.get(path="skills/alpha")
    options = ReimportOptions(keep_deployments=keep)
    reimport_entry(entry.source, entry.pk, options=options, actor=COMMAND_LINE, report=SilentReport())


def restore() -> None:
    key = (HOME / "wanted").read_text()
    restore_snapshot("default", key, actor=COMMAND_LINE, report=SilentReport())


def taken() -> None:
    result = snapshot_collection("default", actor=COMMAND_LINE, report=SilentReport())
    (HOME / "wanted").write_text(str(result.snapshot.pk))


def remove() -> None:
    ids = list(Artifact.objects.exclude(name="beta").values_list("pk", flat=True))
    result = remove_artifacts(ids, actor=COMMAND_LINE, report=SilentReport())
    codes = {row.code for row in result.rows}
    if CollectionBusy.code in codes:
        raise CollectionBusy
    assert codes <= {"", NotFound.code}


def edit() -> None:
    ids = list(Artifact.objects.order_by("pk").values_list("pk", flat=True))
    wanted = ArtifactEdit.of({"pin": "v1", "pin_reason": "tested", "add_tags": ["mine"]})
    result = edit_artifacts(ids, wanted, actor=COMMAND_LINE, report=SilentReport())
    assert {row.outcome.value for row in result.rows} <= {"updated", "unchanged"}


def delete() -> None:
    try:
        delete_collection("default", force=True, actor=COMMAND_LINE, report=SilentReport())
    except NotFound:
        assert not FOLDER.exists()


def deployed() -> None:
    PROJECT.mkdir(parents=True)
    project = Project.objects.create(path=os.path.realpath(PROJECT), name="app")
    ids = list(Artifact.objects.values_list("pk", flat=True))
    deploy_artifacts(project, ids, options=DeployOptions(), actor=COMMAND_LINE, report=SilentReport())
    assert Deployment.objects.count() == 3


@dataclass(frozen=True)
class Scenario:
    """``before`` is done once, ``work`` is killed. ``trash``: so much may lie there in the end."""

    before: tuple[Callable[[], Any], ...]
    work: Callable[[], None]
    unmanaged: frozenset[str] = frozenset()
    trash: int = 0


UPDATED = (imported, changed_upstream)
DEPLOYED = (imported, deployed, changed_upstream)
SCENARIOS = {
    "import_create": Scenario((), import_new),
    "import_add": Scenario((lambda: imported("skills/beta"),), import_new),
    "import_replace": Scenario(UPDATED, import_over),
    "import_one_fails": Scenario(
        (lambda: imported("skills/beta"),), import_beside, unmanaged=frozenset({"skill:alpha"})
    ),
    "reimport_keep": Scenario(DEPLOYED, lambda: reimport(keep=True)),
    "reimport_fresh": Scenario(DEPLOYED, lambda: reimport(keep=False)),
    "restore": Scenario((imported, taken, changed_upstream, import_over, edit), restore),
    "restore_removed": Scenario((imported, taken, remove), restore),
    "remove": Scenario((imported,), remove),
    "edit": Scenario((imported,), edit),
    "delete": Scenario((imported,), delete, trash=1),
}
INTERFERING = {"import_one_fails": "staged:0"}
"""At this checkpoint somebody puts a skill by hand where one is about to come."""


def interfere() -> None:
    (FOLDER / "skills/alpha").mkdir(parents=True, exist_ok=True)
    (FOLDER / "skills/alpha/mine.txt").write_text("mine")


def begin() -> None:
    """A source, scanned; the same in every scenario."""
    create_repository(REPOSITORY)
    commit(REPOSITORY, FIRST, "first", time=1_767_225_600)
    scan(create_source(url=f"file://{REPOSITORY}", actor=COMMAND_LINE))


_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'
"""


class Kept:
    """The world as it was: its folder (an SQLite file is part of it), and a copy of each PostgreSQL table."""

    def __init__(self) -> None:
        self.places = (HOME, REPOSITORY.parent, PROJECT.parent)
        self.copy = HOME.parent / "kept"
        models = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
        self.tables = list(dict.fromkeys(model._meta.db_table for model in models))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("CREATE SCHEMA kept")
                for table in self.tables:
                    cursor.execute(f'CREATE TABLE kept."{table}" AS TABLE public."{table}"')
        connections.close_all()
        for place in self.places:
            shutil.copytree(place, self.copy / place.name, symlinks=True)

    def put_back(self) -> None:
        connections.close_all()
        for place in self.places:
            shutil.rmtree(place)
            shutil.copytree(self.copy / place.name, place, symlinks=True)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = replica")
                names = ", ".join(f'public."{table}"' for table in self.tables)
                cursor.execute(f"TRUNCATE {names} CASCADE")
                for table in self.tables:
                    cursor.execute(_COLUMNS, [table])
                    columns = ", ".join(f'"{name}"' for (name,) in cursor.fetchall())
                    cursor.execute(f'INSERT INTO public."{table}" ({columns}) SELECT {columns} FROM kept."{table}"')
            connections.close_all()


_VOLATILE = {"added", "updated", "last_updated", "fetched", "created", "uuid", "deployed_at", "artifact_uuid"}


def state() -> dict[str, Any]:
    """What the user has, by part: a part changes as one. Times, and ids that are drawn anew each time, left out."""
    mine = {f"{name}" for name in ("skills/alpha/mine.txt",)}
    files = {name: data for name, data in _files(FOLDER).items() if name not in mine}
    rows = Artifact.objects.order_by("type", "name")
    columns = ("type", "name", "path", "content_oid", "base_oid", "base_commit", "pin", "tags", "title", "description")
    links = EntryImport.objects.order_by("entry_id").values_list("entry__path", "artifact__name", "imported_oid")
    kept = [row for row in rows.values_list(*columns) if row[1] != "alpha" or not mine & _files(FOLDER).keys()]
    places = Deployment.objects.order_by("type", "name").values_list("type", "name", "target", "content_oid")
    return {
        "collection": (files, kept, list(links), FOLDER.exists()),
        "project": (_files(PROJECT), list(places)),
    }


def _files(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix in (".toml", ".lock"):
            found[name] = _calm(tomllib.loads(path.read_text()))
        elif path.is_file():
            found[name] = (path.read_bytes(), os.access(path, os.X_OK))
    return found


def _calm(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _calm(inner) for key, inner in value.items() if key not in _VOLATILE}
    return [_calm(inner) for inner in value] if isinstance(value, list) else value


def leases_run_out() -> None:
    """What waiting would do."""
    for model in (Collection, Project, Source):
        model._default_manager.update(lease_until=None)


def shown(part: Any) -> str:
    return re.sub(r"\s+", " ", repr(part))[:1200]
