"""A dry run tells what the run does, whatever has become of the files since they were imported."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skillmeat_site.core.errors import DomainError
from tests.collections_app.deploying import deploy
from tests.conftest import skill, skills
from tests.factories.deployments import put_project
from tests.marketplace.imports.importing import anew, artifact, bring, folder, ids
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db

A = "skills/a"


def edited() -> None:
    (folder() / A / "SKILL.md").write_text("mine")


def gone() -> None:
    shutil.rmtree(folder() / A)


def a_repository_of_its_own() -> None:
    (folder() / A / ".git").mkdir()
    (folder() / A / ".git" / "config").write_text("x")


def all_gone() -> None:
    shutil.rmtree(folder())


def behind_a_link() -> None:
    elsewhere = folder().parent.parent / "elsewhere"
    shutil.move(folder() / "skills", elsewhere)
    (folder() / "skills").symlink_to(elsewhere)


DAMAGE = [edited, gone, a_repository_of_its_own, all_gone, behind_a_link]


def told(work: Callable[[], Any]) -> dict[str, Any]:
    """What a dry run and a run have to agree on."""
    try:
        answer: dict[str, Any] = work().to_json()
    except DomainError as error:
        return {"code": error.code}
    return {name: value for name, value in answer.items() if name not in ("snapshot_id", "dry_run")}


def is_the_same(dry: dict[str, Any], done: dict[str, Any]) -> bool:
    """But for the ids that only a run gives, and for moments."""
    left_out = ("artifact_id", "import_id", "started_at", "completed_at", "collection_artifact_ids")

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bare(one) for name, one in value.items() if name not in left_out}
        return [bare(one) for one in value] if isinstance(value, list) else value

    return bool(bare(dry) == bare(done))


@pytest.mark.parametrize("keep", [True, False], ids=["keep", "afresh"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_reimport(registered: Any, damage: Callable[[], None], keep: bool) -> None:
    repository, source = registered(skills("a", "b"))
    bring(source, ids(source)[:1])
    repository.commit({f"{A}/SKILL.md": skill("a", "New")})
    scan(source)
    damage()
    pk = ids(source)[0]
    dry = told(lambda: anew(source, pk, keep_deployments=keep, dry_run=True))
    assert is_the_same(dry, told(lambda: anew(source, pk, keep_deployments=keep)))


@pytest.mark.parametrize("strategy", ["skip", "overwrite", "rename"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_an_import(registered: Any, damage: Callable[[], None], strategy: str) -> None:
    repository, source = registered(skills("a", "b"))
    bring(source, ids(source)[:1])
    repository.commit({f"{A}/SKILL.md": skill("a", "New")})
    scan(source)
    damage()
    dry = told(lambda: bring(source, strategy=strategy, dry_run=True))
    assert is_the_same(dry, told(lambda: bring(source, strategy=strategy)))


@pytest.mark.parametrize("edit", [False, True], ids=["clean", "edited"])
@pytest.mark.parametrize("keep", [True, False], ids=["keep", "afresh"])
def test_the_deployments(registered: Any, settings: Any, tmp_path: Path, keep: bool, edit: bool) -> None:
    roots = tmp_path / "projects"
    roots.mkdir()
    settings.SKILLMEAT_PROJECT_ROOTS = [roots]
    repository, source = registered(skills("a", "b"))
    bring(source, ids(source)[:1])
    project = put_project(roots)
    deploy(project, artifact("a"))
    if edit:
        (Path(project.path) / ".claude" / A / "SKILL.md").write_text("mine")
    repository.commit({f"{A}/SKILL.md": skill("a", "New")})
    scan(source)
    pk = ids(source)[0]
    dry = told(lambda: anew(source, pk, keep_deployments=keep, dry_run=True))
    done = told(lambda: anew(source, pk, keep_deployments=keep))
    assert is_the_same(dry, done)
    target = f"{project.name}:.claude/{A}"
    assert done["deployments_restored"] == (1 if keep and not edit else 0)
    assert done["deployments_kept_modified"] == ([target] if keep and edit else [])
    assert done["deployments_dropped"] == ([] if keep else [target])
