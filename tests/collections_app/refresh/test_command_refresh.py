"""manage.py refresh_collection: options and exit codes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.collections_app.refresh.refreshing import artifact, every_byte, skill_path
from tests.conftest import Repository, skill

pytestmark = pytest.mark.django_db(transaction=True)


def say(*args: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("refresh_collection", *args, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def document(*args: str) -> tuple[int, Any]:
    code, out, _ = say(*args, "--json")
    (result,) = json.loads(out)["results"]
    return code, result


@pytest.fixture
def changed(repository: Repository) -> Repository:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    return repository


def test_refresh_and_again(changed: Repository) -> None:
    code, result = document()
    assert (code, result["refreshed_count"], result["mode"]) == (0, 1, "metadata_only")
    assert document("-m")[1]["refreshed_count"] == 0
    assert artifact("alpha").description == "New"


def test_check_tells_what_a_refresh_would_change(changed: Repository) -> None:
    before = every_byte()
    code, result = document("--check")
    assert (code, result["refreshed_count"], result["dry_run"]) == (3, 1, True)
    assert document("--check", "--sync")[1]["details"][1]["changes"] == ["content", "description"]
    assert every_byte() == before
    say()
    assert document("--check")[0] == 0


def test_check_only_tells_of_updates(changed: Repository) -> None:
    code, result = document("default", "--check-only")
    assert (code, result["updates_available"]) == (3, 1)
    assert say("--sync")[0] == 0
    assert document("--check-only")[0] == 0


def test_sync_and_rollback(changed: Repository) -> None:
    before = every_byte()
    assert say("--sync", "-t", "skill", "-n", "al*")[0] == 0
    assert skill_path("alpha").read_text() == skill("alpha", "New")
    assert say("--rollback", "-y")[0] == 0
    assert every_byte() == before


def test_a_conflict_is_exit_1(changed: Repository) -> None:
    skill_path("alpha").write_text(skill("alpha", "Mine"))
    assert say("--sync", "--strategy", "merge")[0] == 1
    assert say("--sync")[0] == 0


def test_for_people(changed: Repository) -> None:
    _, out, _ = say("--dry-run")
    assert "skill:alpha  description" in out
    assert "nothing was changed" in out
    assert "skill:alpha  update_available" in say("--check-only")[1]


def test_failures(changed: Repository) -> None:
    code, out, _ = say("nowhere", "--json")
    assert (code, json.loads(out)["results"][0]["code"]) == (1, "not_found")
    assert say("--rollback", "-y")[0] == 1


@pytest.mark.parametrize(
    "args",
    [
        ["--sync", "-m"],
        ["--check", "--check-only"],
        ["--rollback", "--sync"],
        ["--rollback"],
        ["--fields", "tag"],
        ["--fields", ","],
        ["-t", "mcp-server"],
        ["--strategy", "ours"],
        ["--sync", "--strategy", ""],
    ],
)
def test_usage_is_exit_2(changed: Repository, args: list[str]) -> None:
    with pytest.raises(CommandError) as raised:
        call_command("refresh_collection", *args)
    assert raised.value.returncode == 2
