"""Upstreams that were renamed, rewritten, spoilt, or that put something else in an artifact's place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collections_app.services.refreshing import apply_plan
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.process import run_git
from tests.collections_app.refresh.refreshing import (
    SLUG,
    artifact,
    check,
    detail,
    every_byte,
    import_all,
    run,
    skill_path,
    states,
    statuses,
)
from tests.conftest import Repository, skill, skills
from tests.fakes.github import GitHub
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db(transaction=True)


def git(repository: Repository, *args: str, stdin: bytes = b"") -> str:
    done = run_git(list(args), git_dir=repository.path, stdin=stdin, deadline_seconds=60)
    assert done.code == 0, done.stderr
    return done.stdout.decode().strip()


def put(repository: Repository, line: bytes, *, delete: str = "") -> None:
    """One more commit with a line of a fast-import stream in it."""
    tip = git(repository, "rev-parse", "main")
    body = f"commit refs/heads/main\ncommitter A <a@b.invalid> 1800000000 +0000\ndata 1\nx\nfrom {tip}\n"
    body += f"D {delete}\n" if delete else ""
    git(repository, "fast-import", "--quiet", stdin=body.encode() + line)


@pytest.fixture
def on_hub(hub: GitHub, on_github: Callable[..., Repository], settings: Any) -> Repository:
    """A repository on GitHub, read with a token, imported."""
    settings.GITHUB_TOKEN = "secret"
    made = on_github(skills("alpha", "beta"), "acme/tools")
    source = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    scan(source)
    import_all(source)
    return made


def test_renamed(hub: GitHub, on_hub: Repository) -> None:
    on_hub.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    hub.rename("acme/tools", "other/toolbox")
    assert states(check())["alpha"] == "update_available"
    assert statuses(run(mode="sync"))["alpha"] == "refreshed"
    assert skill_path("alpha").read_text() == skill("alpha", "New")


def test_another_repository_under_the_name(
    hub: GitHub, on_hub: Repository, on_github: Callable[..., Repository]
) -> None:
    """A record knows a URL and no id: what lies there is another repository, and the artifact is not found in it."""
    hub.rename("acme/tools", "other/toolbox")
    on_github({"README.md": "Something else"}, "acme/tools")
    before = every_byte()
    assert {row["code"] for row in check()["results"]} == {"upstream_path_not_found"}
    assert set(statuses(run(mode="sync")).values()) == {"error"}
    assert every_byte() == before


def force_push(repository: Repository, files: dict[str, str | None]) -> None:
    """History is written anew, and the old commits are gone for good."""
    git(repository, "update-ref", "-d", "refs/heads/main")
    repository.commit(files, "anew")
    git(repository, "-c", "gc.reflogExpire=now", "gc", "--quiet", "--prune=now")


def test_force_pushed(repository: Repository) -> None:
    old = artifact("alpha").base_commit
    force_push(repository, {**skills("beta", "gamma"), "skills/alpha/SKILL.md": skill("alpha", "New")})
    with pytest.raises(AssertionError):
        git(repository, "cat-file", "-e", old)
    told = check()
    assert states(told) == {
        "alpha": "update_available", "beta": "in_sync", "gamma": "in_sync", "deploy": "unknown",
    }  # fmt: skip
    result = run(mode="sync")
    assert statuses(result) == {"alpha": "refreshed", "beta": "unchanged", "gamma": "unchanged", "deploy": "error"}
    assert skill_path("alpha").read_text() == skill("alpha", "New")


def test_force_pushed_after_the_plan(repository: Repository) -> None:
    """What was planned may still be in the mirror, or it is told that it is gone: never something else."""
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "Planned")})
    plan_id = run(mode="sync", dry_run=True).plan_id
    assert plan_id is not None
    force_push(repository, {"skills/alpha/SKILL.md": skill("alpha", "Other")})
    before = every_byte()
    result = apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())
    if statuses(result)["alpha"] == "refreshed":
        assert skill_path("alpha").read_text() == skill("alpha", "Planned")
    else:
        assert detail(result, "alpha")["code"].startswith("upstream_")
        assert every_byte() == before


def another_thing(repository: Repository, line: bytes, code: str) -> None:
    put(repository, line, delete="skills/alpha")
    repository.time = 1_800_000_060
    repository.commit({"skills/beta/SKILL.md": skill("beta", "New")})
    before = skill_path("alpha").read_bytes()
    row = next(row for row in check()["results"] if row["name"] == "alpha")
    assert (row["state"], row["code"]) == ("unknown", code)
    told = run(mode="sync", dry_run=True).to_json()["details"]
    result = run(mode="sync")
    assert result.to_json()["details"] == told
    assert (detail(result, "alpha")["status"], detail(result, "alpha")["code"]) == ("error", code)
    assert statuses(result)["beta"] == "refreshed"
    assert skill_path("alpha").read_bytes() == before
    repository.time = 1_800_000_120
    repository.commit({"skills/alpha": None, "skills/alpha/SKILL.md": skill("alpha", "Back")})
    assert statuses(run(mode="sync"))["alpha"] == "refreshed"


def test_a_submodule_in_its_place(repository: Repository) -> None:
    another_thing(repository, b"M 160000 " + b"a" * 40 + b" skills/alpha\n", "special_file")


def test_a_link_in_its_place(repository: Repository) -> None:
    another_thing(repository, b"M 120000 inline skills/alpha\ndata 4\nbeta\n", "special_file")


def test_a_file_in_its_place(repository: Repository) -> None:
    another_thing(repository, b"M 100644 inline skills/alpha\ndata 4\nfile\n", "upstream_path_not_found")


def test_a_submodule_inside_it(repository: Repository) -> None:
    put(repository, b"M 160000 " + b"a" * 40 + b" skills/alpha/vendor\n")
    repository.time = 1_800_000_060
    repository.commit({"skills/beta/SKILL.md": skill("beta", "New")})
    before = skill_path("alpha").read_bytes()
    for dry_run in (True, False):
        result = run(mode="sync", dry_run=dry_run)
        assert detail(result, "alpha")["code"] == "special_file"
        assert statuses(result)["beta"] == "refreshed"
    assert skill_path("alpha").read_bytes() == before


def test_one_damaged_file_fails_its_artifact_alone(repository: Repository) -> None:
    """Among those that are read in one batch. A file that is not the id it is asked by is never written."""
    repository.commit(
        {
            "skills/alpha/more.txt": "good alpha\n",
            "skills/beta/more.txt": "good beta\n",
            "skills/gamma/SKILL.md": skill("gamma", "New"),
        }
    )
    spoil(repository.path, git(repository, "rev-parse", "main:skills/beta/more.txt"))
    before = skill_path("beta").parent
    result = run(mode="sync")
    assert (statuses(result)["alpha"], statuses(result)["gamma"]) == ("refreshed", "refreshed")
    assert detail(result, "beta")["status"] == "error"
    assert [path.name for path in before.iterdir()] == ["SKILL.md"]


def spoil(repository: Path, oid: str) -> None:
    """Take an object away from a repository: it is named, and nobody has it."""
    loose = repository / "objects" / oid[:2] / oid[2:]
    if not loose.exists():
        for pack in (repository / "objects/pack").glob("*.pack"):
            moved = pack.rename(repository / pack.name)
            pack.with_suffix(".idx").unlink()
            with moved.open("rb") as stream:
                run_git(["unpack-objects", "-q"], git_dir=repository, stdin=stream.read(), deadline_seconds=60)
    loose.unlink()
    shutil.rmtree(repository / "objects/info", ignore_errors=True)
