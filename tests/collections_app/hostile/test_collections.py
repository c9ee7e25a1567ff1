"""Collections whose files were lost, spoilt or edited into contradictions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from collections_app.models import Artifact, Collection
from collections_app.services.refreshing import rollback_refresh
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.cache_app.conftest import bound_by_modes
from tests.collections_app.refresh.refreshing import (
    SLUG,
    check,
    detail,
    every_byte,
    folder,
    run,
    skill_path,
    states,
    statuses,
)
from tests.conftest import Repository, skill
from tests.marketplace.commanding import manage

pytestmark = pytest.mark.django_db(transaction=True)
URL = f"/api/v1/user-collections/{SLUG}"


def rows() -> list[dict[str, Any]]:
    columns = ("pk", "type", "name", "path", "content_oid", "base_oid", "tags", "title")
    return list(Artifact.objects.order_by("pk").values(*columns))


def refused(api: Any, code: str, status: int) -> None:
    """The index and every kind of refresh refuse, with one code, and no row changes."""
    before = rows()
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("refresh-cache", {}), ("refresh", {}), ("refresh", {"mode": "check_only"}), ("refresh", {"mode": "sync"}),
        ("refresh", {"mode": "sync", "dry_run": True}),
    ]  # fmt: skip
    for path, body in bodies:
        answer = api.post(f"{URL}/{path}", body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert str(folder().parent) not in answer.content.decode()
    assert rows() == before
    assert Collection.objects.get(slug=SLUG).problem_code == code


def test_the_directory_is_gone(api: Any, repository: Repository) -> None:
    away = folder().rename(folder().with_name("away"))
    refused(api, "not_found", 404)
    away.rename(folder())
    assert api.post(f"{URL}/refresh-cache").json()["unchanged_count"] == 4
    assert check()["up_to_date"] == 4
    assert Collection.objects.get(slug=SLUG).problem_code == ""


def test_the_manifest_is_gone(api: Any, repository: Repository) -> None:
    """The files lie there: nothing is removed, and nothing says where they came from."""
    (folder() / "collection.toml").unlink()
    told = api.post(f"{URL}/refresh-cache").json()
    assert (told["removed_count"], told["missing_count"]) == (0, 0)
    assert Artifact.objects.count() == 4
    assert {one["code"] for one in run(mode="sync").to_json()["details"]} == {"no_upstream"}


def test_a_file_that_cannot_be_read(repository: Repository) -> None:
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in ("alpha", "beta")})
    skill_path("alpha").chmod(0)
    text = skill_path("alpha").read_bytes() if os.geteuid() == 0 else None
    try:
        with bound_by_modes():
            told = check()
            result = run(mode="sync")
            indexed = manage("refresh_collection_cache", SLUG, "--json")
    finally:
        skill_path("alpha").chmod(0o644)
    row = next(row for row in told["results"] if row["name"] == "alpha")
    assert (row["state"], row["code"]) == ("unknown", "disk_denied")
    assert (told["errors"], told["updates_available"]) == (1, 1)
    assert (detail(result, "alpha")["status"], detail(result, "alpha")["code"]) == ("error", "disk_denied")
    assert statuses(result)["beta"] == "refreshed"
    assert [error["code"] for error in indexed.json["results"][0]["errors"]] == ["disk_denied"]
    assert text is None or skill_path("alpha").read_bytes() == text
    assert statuses(run(mode="sync"))["alpha"] == "refreshed", "as soon as it can be read"


def test_a_pipe_in_the_place_of_a_file(repository: Repository) -> None:
    skill_path("alpha").unlink()
    os.mkfifo(skill_path("alpha"))
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in ("alpha", "beta")})
    assert states(check())["alpha"] == "unknown"
    result = run(mode="sync")
    assert detail(result, "alpha")["code"] == "special_file"
    assert statuses(result)["beta"] == "refreshed"
    assert skill_path("alpha").is_fifo()


@pytest.mark.parametrize("text", ["=", "format = 99\n", "format = 2\n", "\udcff"])
def test_a_manifest_that_cannot_be_understood(api: Any, repository: Repository, text: str) -> None:
    manifest = folder() / "collection.toml"
    good = manifest.read_bytes()
    manifest.write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(api, "manifest_invalid", 409)
    assert manifest.read_bytes() == text.encode("utf-8", "surrogateescape")
    manifest.write_bytes(good)
    assert check()["up_to_date"] == 4


def test_an_unknown_type(api: Any, repository: Repository) -> None:
    """Kept, and nothing is done with it."""
    manifest = folder() / "collection.toml"
    record = (
        '\n[[artifacts]]\nname = "orb"\ntype = "hologram"\npath = "holograms/orb"\norigin = "github"\n'
        'added = "2026-01-01T00:00:00+00:00"\nupstream = "https://github.com/acme/orbs"\nshine = 3\n'
    )
    manifest.write_text(manifest.read_text() + record)
    assert api.post(f"{URL}/refresh-cache").json()["added_count"] == 0
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    assert check()["updates_available"] == 1
    assert statuses(run(mode="sync"))["alpha"] == "refreshed"
    text = manifest.read_text()
    assert 'type = "hologram"' in text
    assert "shine = 3" in text
    assert not Artifact.objects.filter(type="hologram").exists()


def test_two_artifacts_with_one_path(repository: Repository) -> None:
    """A record of a second name for the same folder: what one takes the other would overwrite."""
    manifest = folder() / "collection.toml"
    (head, *records) = manifest.read_text().split("[[artifacts]]")
    alpha = next(record for record in records if 'name = "alpha"' in record)
    uuid = next(line for line in alpha.splitlines() if line.startswith("uuid"))
    twin = alpha.replace('name = "alpha"', 'name = "twin"', 1).replace(uuid, "")
    manifest.write_text("[[artifacts]]".join([head, *records, twin]))
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    indexed = manage("refresh_collection_cache", SLUG, "--json")
    assert [error["code"] for error in indexed.json["results"][0]["errors"]] == ["unsafe_path"]
    before = skill_path("alpha").read_bytes()
    repository.commit({"skills/beta/SKILL.md": skill("beta", "New")})
    told = run(mode="sync", dry_run=True).to_json()["details"]
    result = run(mode="sync")
    assert result.to_json()["details"] == told
    assert {detail(result, name)["code"] for name in ("alpha", "twin")} == {"unsafe_path"}
    assert statuses(result)["beta"] == "refreshed"
    assert skill_path("alpha").read_bytes() == before
    assert states(check())["twin"] == "unknown"


@pytest.mark.parametrize("with_uuid", [True, False])
def test_two_names_that_no_database_tells_apart(api: Any, repository: Repository, with_uuid: bool) -> None:
    """One of them is told and left alone, by the index and by a refresh; what a number is not, nobody minds."""
    manifest = folder() / "collection.toml"
    (head, *records) = manifest.read_text().split("[[artifacts]]")
    beta = next(number for number, record in enumerate(records) if 'name = "beta"' in record)
    uuid = next(line for line in records[beta].splitlines() if line.startswith("uuid"))
    records[beta] = records[beta].replace('name = "beta"', 'name = "al\\u0000pha"', 1) + "score = nan\n"
    if not with_uuid:
        records[beta] = records[beta].replace(uuid, "")
    manifest.write_text("[[artifacts]]".join([head, *records]))
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in ("alpha", "beta", "gamma")})
    alpha = Artifact.objects.get(name="alpha").pk
    told = api.post(f"{URL}/refresh-cache").json()
    assert (told["removed_count"], told["missing_count"]) == (0, 0 if with_uuid else 1)
    assert [(error["artifact"], error["code"]) for error in told["errors"]] == [("skill:al\\0pha", "manifest_invalid")]
    answer = api.post(f"{URL}/refresh", {"mode": "sync"}, format="json").json()
    rows = {(row["name"], row["status"], row["code"]) for row in answer["details"]}
    assert rows >= {
        ("al\\0pha", "error", "manifest_invalid"), ("alpha", "refreshed", None), ("gamma", "refreshed", None),
    }  # fmt: skip
    row = Artifact.objects.get(name="beta")
    assert (row.problem_code, row.content_oid != "") == (("manifest_invalid", True) if with_uuid else ("", False))
    assert Artifact.objects.get(name="alpha").pk == alpha
    assert skill_path("beta").read_text() != skill("beta", "New")
    assert skill_path("alpha").read_text() == skill("alpha", "New")


def test_a_lock_without_a_manifest(api: Any, repository: Repository) -> None:
    lock = (folder() / "collection.lock").read_bytes()
    (folder() / "collection.toml").unlink()
    told = api.post(f"{URL}/refresh-cache").json()
    assert (told["removed_count"], told["errors"]) == (0, [])
    assert check()["skipped"] == 4, "without a record nobody knows an upstream"
    assert statuses(run(mode="sync")) == dict.fromkeys(("alpha", "beta", "gamma", "deploy"), "skipped")
    assert (folder() / "collection.lock").read_bytes() == lock


@pytest.mark.parametrize("path", ["../../outside", "/etc", "skills/../../x", "skills/.git"])
def test_a_record_whose_path_leads_out(repository: Repository, path: str) -> None:
    manifest = folder() / "collection.toml"
    manifest.write_text(manifest.read_text().replace('path = "skills/alpha"', f'path = "{path}"'))
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in ("alpha", "beta")})
    row = next(row for row in check()["results"] if row["name"] == "alpha")
    assert (row["state"], row["code"]) == ("unknown", "unsafe_path")
    result = run(mode="sync")
    assert detail(result, "alpha")["code"] == "unsafe_path"
    assert statuses(result)["beta"] == "refreshed"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """``clock(timedelta(days=-3))``: the wall clock of this process is another one from now on."""
    real = timezone.now

    def move(by: timedelta) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: real() + by)

    return move


def test_a_clock_that_was_moved_back(repository: Repository, clock: Callable[[timedelta], None]) -> None:
    """The collection's revision tells what came last: the newest refresh is rolled back, not one of a later day."""
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "One")})
    run(mode="sync")
    clock(timedelta(days=-3))
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "Two")})
    before = every_byte()
    assert statuses(run(mode="sync"))["alpha"] == "refreshed"
    assert check()["up_to_date"] == 4
    rollback_refresh(SLUG, actor=COMMAND_LINE, report=SilentReport())
    assert every_byte() == before
    assert skill_path("alpha").read_text() == skill("alpha", "One")
    shutil.rmtree(folder() / "skills" / "gamma")
    assert states(check())["gamma"] == "missing"
