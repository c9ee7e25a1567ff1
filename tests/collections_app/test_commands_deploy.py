"""manage.py deploy, undeploy, drift"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from collections_app.models import Deployment, Project
from collections_app.services.project_holding import held_project
from skillmeat_site.core.models import Job
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.deploying import hook, tree
from tests.factories.deployments import put_artifact

pytestmark = pytest.mark.django_db
SKILL = {"SKILL.md": "x"}


def run(name, *arguments):
    """Exit code and the JSON document."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, *arguments, "--json", stdout=out, stderr=err)
        code = 0
    except SystemExit as stop:
        code = stop.code
    return code, json.loads(out.getvalue())


@pytest.fixture
def folder(roots):
    place = roots / "app"
    place.mkdir()
    put_artifact("skill", "a", SKILL)
    put_artifact("command", "team:ship", "Ship.\n")
    put_artifact("hook", "g", hook("g.sh"), collection="work")
    return place


def told(document):
    return [(row["outcome"], row.get("code")) for row in document["results"]]


def test_deploy_drift_and_undeploy(folder):
    code, document = run("deploy", "skill:a", "command:team:ship", "--project", str(folder))
    assert (code, told(document)) == (0, [("created", None)] * 2)
    assert document["summary"]["created"] == 2
    assert Job.objects.get().trigger == "command"
    hook_id = str(
        Path(run("deploy", "hook:g", "--project", str(folder), "--collection", "work")[1]["results"][0]["id"])
    )
    assert Deployment.objects.get(type="hook").pk.hex == hook_id.replace("-", "")
    code, document = run("drift", "--project", str(folder), "--check")
    assert (code, document["summary"]["in_sync"]) == (0, 3)
    (folder / ".claude/skills/a/SKILL.md").write_text("edited")
    assert run("drift", "--project", str(folder))[0] == 0
    code, document = run("drift", "--project", str(folder), "--check")
    assert code == 3
    assert {row["name"]: row["state"] for row in document["results"]}["a"] == "modified"
    assert told(run("undeploy", "skill:a", "--project", str(folder))[1]) == [("skipped", "modified")]
    assert (folder / ".claude/skills/a/SKILL.md").read_text() == "edited"
    code, document = run("undeploy", "skill:a", "command:team:ship", "hook:g", "--project", str(folder), "--force")
    assert (code, told(document)) == (0, [("removed", None)] * 3)
    assert tree(folder) == {}


def test_wrong_words_are_failed_rows(folder):
    words = ("skill:a", "skill:nope", "nonsense", "00000000-0000-0000-0000-000000000001", "hook:g")
    code, document = run("deploy", *words, "--project", str(folder))
    assert code == 1
    assert sorted(told(document)) == [
        ("created", None), ("failed", "invalid_parameter"), *[("failed", "not_found")] * 3,
    ]  # fmt: skip
    code, document = run("undeploy", "skill:nope", "--project", str(folder))
    assert (code, told(document)) == (0, [("skipped", "not_deployed")])
    code, document = run("undeploy", "skill:a", "--project", str(folder), "--collection", "work")
    assert told(document) == [("skipped", "not_deployed")]


def test_a_conflict_is_exit_1_and_overwrite_settles_it(folder):
    (folder / ".claude/skills/a").mkdir(parents=True)
    (folder / ".claude/skills/a/SKILL.md").write_text("mine")
    code, document = run("deploy", "skill:a", "--project", str(folder))
    assert (code, told(document)) == (1, [("conflict", "unmanaged")])
    code, document = run("deploy", "skill:a", "--project", str(folder), "--overwrite", "--profile", "claude_code")
    assert (code, told(document)) == (0, [("updated", None)])


def test_dry_runs_write_nothing(folder):
    code, document = run("deploy", "skill:a", "--project", str(folder), "--dry-run")
    assert (code, told(document)) == (0, [("created", None)])
    assert not Project.objects.exists()
    assert tree(folder) == {}
    run("deploy", "skill:a", "--project", str(folder))
    Project.objects.all().delete()
    code, document = run("undeploy", "skill:a", "--project", str(folder), "--dry-run")
    assert (code, told(document)) == (0, [("removed", None)])
    assert not Project.objects.exists()
    assert tree(folder)
    assert run("drift", "--project", str(folder))[1]["summary"]["in_sync"] == 1  # by its record alone
    assert not Project.objects.exists()
    code, document = run("undeploy", "skill:a", "--project", str(folder))
    assert told(document) == [("removed", None)]


def test_outside_busy_and_broken(folder):
    code, document = run("deploy", "skill:a", "--project", "/etc")
    assert (code, told(document)) == (1, [("failed", "path_not_allowed")])
    run("deploy", "skill:a", "--project", str(folder))
    with held_project(Project.objects.get().pk, SilentReport()):
        code, document = run("deploy", "skill:a", "--project", str(folder))
    assert (code, told(document)) == (1, [("failed", "project_busy")])
    (folder / ".claude/.skillmeat-deployed.toml").write_text("{nonsense")
    code, document = run("deploy", "skill:a", "--project", str(folder))
    assert (code, told(document)) == (1, [("failed", "manifest_invalid")])
    code, document = run("drift", "--project", str(folder))
    assert (code, document["problem"]["code"]) == (1, "manifest_invalid")


def test_for_people(folder, capsys):
    call_command("deploy", "skill:a", "--project", str(folder))
    call_command("drift", "--project", str(folder))
    shown = capsys.readouterr().out
    assert "created  skill:a" in shown
    assert "in_sync    skill:a  .claude/skills/a" in shown


def test_people_are_told_why_something_was_left(folder):
    run("deploy", "skill:a", "--project", str(folder))
    (folder / ".claude/skills/a/SKILL.md").write_text("edited")
    out = io.StringIO()
    call_command("undeploy", "skill:a", "command:team:ship", "--project", str(folder), stdout=out)
    lines = out.getvalue().splitlines()
    assert "skipped  command:team:ship  not_deployed" in lines
    assert "skipped  skill:a → app  modified" in lines
