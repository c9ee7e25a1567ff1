"""The files of a stored plan: each artifact's by itself, and the very bytes that applying takes."""

from __future__ import annotations

import io
import json
import shutil
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collections_app.errors import StalePlan
from collections_app.services.plan_diff import PlannedFiles, plan_diff, plan_diffs
from collections_app.services.refresh_upstream import Opened
from collections_app.services.refreshing import apply_plan
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.models import Job
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.process import run_git
from tests.collections_app.admin.looking import words
from tests.collections_app.refresh.refreshing import (
    SLUG,
    artifact,
    every_byte,
    folder,
    pin,
    run,
    skill_path,
)
from tests.conftest import Repository, skill
from tests.marketplace.scanning import row_counts

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/user-collections/default/plans"
LINES = [f"line {number}" for number in range(1, 21)]


def text(**changed: str) -> str:
    """A skill of twenty lines, ``line_3="other"`` changes the third."""
    return skill("alpha", body="\n".join(changed.get(f"line_{n}", line) for n, line in enumerate(LINES, 1)))


def planned(**said: Any) -> str:
    plan_id = run(dry_run=True, **{"mode": "sync", **said}).plan_id
    assert plan_id is not None
    return plan_id


def diff(plan_id: str, name: str = "alpha") -> PlannedFiles:
    return plan_diff(SLUG, plan_id, str(artifact(name).pk), report=SilentReport())


def told(found: PlannedFiles) -> dict[str, tuple[str, str]]:
    return {row["path"]: (row["status"], row["kind"]) for row in (each.to_json() for each in found.files[:])}


def signed(found: PlannedFiles, path: str) -> list[str]:
    """The lines of one file that come or go."""
    (row,) = (each.to_json() for each in found.files[:] if each.change.path == path)
    lines = (line for hunk in row["hunks"] for line in hunk["lines"])
    return [line["origin"] + line["text"].rstrip("\n") for line in lines if line["origin"] in "+-"]


@pytest.fixture
def changed(repository: Repository) -> Repository:
    """Alpha: a file changes, one comes, one goes, one is binary, one is huge."""
    repository.commit(
        {"skills/alpha/old.txt": "old\n", "skills/alpha/pic.bin": "a\0b", "skills/alpha/huge.txt": "x\n"}
    )
    run(mode="sync")
    huge = "a long line of text\n" * 60_000
    repository.commit(
        {
            "skills/alpha/SKILL.md": skill("alpha", "New"),
            "skills/alpha/old.txt": None,
            "skills/alpha/pic.bin": "a\0c",
            "skills/alpha/huge.txt": huge,
            "skills/alpha/sub/new.txt": "one\ntwo\n",
            "skills/beta/SKILL.md": skill("beta", "New"),
        }
    )
    return repository


def test_file_by_file_with_hunks(changed: Repository) -> None:
    found = diff(planned())
    assert told(found) == {
        "skills/alpha/SKILL.md": ("modified", "text"),
        "skills/alpha/huge.txt": ("modified", "too_large"),
        "skills/alpha/old.txt": ("removed", "text"),
        "skills/alpha/pic.bin": ("modified", "binary"),
        "skills/alpha/sub/new.txt": ("added", "text"),
    }
    assert signed(found, "skills/alpha/SKILL.md") == ["-description: Does things", "+description: New"]
    assert signed(found, "skills/alpha/sub/new.txt") == ["+one", "+two"]
    assert signed(found, "skills/alpha/old.txt") == ["-old"]


def test_looking_changes_nothing(changed: Repository) -> None:
    plan_id = planned()
    before, rows = every_byte(), row_counts()
    diff(plan_id)
    assert every_byte() == before
    assert row_counts() == rows


def test_read_at_the_commit_of_the_plan(changed: Repository) -> None:
    plan_id = planned()
    changed.commit({"skills/alpha/SKILL.md": skill("alpha", "Newest")})
    assert "+description: New" in signed(diff(plan_id), "skills/alpha/SKILL.md")
    apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())
    assert skill_path("alpha").read_text() == skill("alpha", "New")


def test_one_artifact_reads_nothing_of_the_others(changed: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    plan_id = planned()
    read: list[str] = []
    reading = Opened.read

    def counted(self: Any, oids: Any, **more: Any) -> Any:
        read.extend(oids)
        return reading(self, oids, **more)

    monkeypatch.setattr(Opened, "read", counted)
    diff(plan_id, "beta")
    assert len(set(read)) == 1, "beta's own SKILL.md"


def test_a_merge_is_shown_as_it_comes_out(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": text()})
    run(mode="sync")
    skill_path("alpha").write_text(text(line_3="mine"))
    repository.commit({"skills/alpha/SKILL.md": text(line_18="theirs")})
    plan_id = planned(strategy="merge")
    found = diff(plan_id)
    assert signed(found, "skills/alpha/SKILL.md") == ["-line 18", "+theirs"], "what is mine stays"
    apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())
    assert skill_path("alpha").read_text() == text(line_3="mine", line_18="theirs")


def test_a_conflict_touches_nothing_and_has_its_hunks(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": text()})
    run(mode="sync")
    skill_path("alpha").write_text(text(line_3="mine"))
    repository.commit({"skills/alpha/SKILL.md": text(line_3="theirs"), "skills/beta/SKILL.md": skill("beta", "New")})
    found = diff(planned(strategy="merge"))
    assert len(found.files) == 0
    (conflict,) = found.conflicts
    assert [(hunk["ours"], hunk["theirs"]) for hunk in conflict["hunks"]] == [("mine\n", "theirs\n")]


def test_a_plan_of_metadata_leaves_the_files(changed: Repository) -> None:
    assert len(diff(planned(mode="metadata_only")).files) == 0


def test_a_single_file_and_its_mode(repository: Repository) -> None:
    (folder() / "commands" / "deploy.md").chmod(0o755)
    repository.commit({".claude/commands/deploy.md": "---\ndescription: New\n---\nGo\n"})
    plan_id = planned()
    (row,) = (each.to_json() for each in diff(plan_id, "deploy").files[:])
    assert (row["path"], row["old_mode"], row["new_mode"]) == ("commands/deploy.md", "100755", "100644")
    apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())
    assert not (folder() / "commands" / "deploy.md").stat().st_mode & 0o100


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: skill_path("beta").write_text("by hand"),
        lambda: skill_path("alpha").write_text("by hand"),
        lambda: (folder() / "collection.toml").unlink(),
        lambda: run(mode="sync"),
        lambda: pin("gamma", "main"),
    ],
)
def test_what_can_no_longer_be_applied_is_not_shown(changed: Repository, spoil: Any) -> None:
    plan_id = planned()
    spoil()
    with pytest.raises(StalePlan):
        diff(plan_id)
    with pytest.raises(StalePlan):
        apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())


def test_an_edit_that_no_index_has_seen_is_in_the_plan(changed: Repository) -> None:
    """Edited by hand before the preview: that is what was planned on, and it can be applied."""
    skill_path("gamma").write_text("by hand")
    plan_id = planned()
    done = apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())
    assert done.to_json()["refreshed_count"] == 2
    assert skill_path("gamma").read_text() == "by hand"


def test_an_upstream_that_is_gone_is_told(changed: Repository, settings: Any) -> None:
    plan_id = planned()
    changed.path.rename(changed.path.with_suffix(".gone"))
    diff(plan_id)  # what the preview has read is in the mirror
    shutil.rmtree(settings.SKILLMEAT_MIRRORS)
    with pytest.raises(DomainError) as raised:
        diff(plan_id)
    assert raised.value.code.startswith("upstream_")


def test_no_such_plan_and_no_such_artifact(changed: Repository) -> None:
    for plan_id, artifact_id in ((planned(), "no-id"), ("no-plan", str(artifact("alpha").pk))):
        with pytest.raises(DomainError) as raised:
            plan_diff(SLUG, plan_id, artifact_id, report=SilentReport())
        assert raised.value.code == "not_found"


FILES = st.dictionaries(
    st.sampled_from(["a.txt", "b/c.txt", "b/d", "e"]),
    st.sampled_from(["", "one\n", "one\ntwo\n", "\0", "x" * 2000]),
    max_size=4,
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(FILES, min_size=2, max_size=2))
def test_what_is_shown_is_what_is_done(repository: Repository, versions: list[dict[str, str]]) -> None:
    """Whatever changes: the shown statuses and ids are those of the bytes before and after applying."""
    known: set[str] = set()
    for number, files in enumerate(versions):
        body = {f"skills/alpha/{path}": files.get(path) for path in known | files.keys()}
        repository.commit({**body, "skills/alpha/SKILL.md": skill("alpha", f"{number} {sorted(files)}")}, "x")
        known |= files.keys()
        plan_id = run(dry_run=True, mode="sync").plan_id
        if plan_id is None:
            continue
        before = every_byte()
        shown = {each.change.path: each.change.status.value for each in diff(plan_id).files[:]}
        apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())
        after = every_byte()
        paths = {path for path in before.keys() | after.keys() if path.startswith("skills/alpha/")}
        really = {
            path: "added" if path not in before else "removed" if path not in after else "modified"
            for path in paths
            if before.get(path) != after.get(path)
        }
        assert shown == really


# ---- the faces


def test_rest(api: Any, changed: Repository) -> None:
    plan_id = planned()
    answer = api.get(f"{URL}/{plan_id}/diff", {"artifact": str(artifact("alpha").pk), "limit": 2})
    body = answer.json()
    assert (answer.status_code, body["count"], len(body["results"])) == (200, 5, 2)
    assert body["results"][0]["hunks"][0]["lines"]
    rest = api.get(body["next"]).json()
    assert [row["path"] for row in rest["results"]] == ["skills/alpha/old.txt", "skills/alpha/pic.bin"]
    assert set(api.get(f"{URL}/{plan_id}").json()) >= {"details", "is_stale"}
    assert not Job.objects.filter(kind__startswith="collections.").exists()


def test_rest_refusals(api: Any, changed: Repository) -> None:
    plan_id = planned()
    alpha = str(artifact("alpha").pk)
    assert api.get(f"{URL}/{plan_id}/diff").status_code == 400
    assert api.get(f"{URL}/{plan_id}/diff", {"artefact": alpha}).status_code == 400
    assert api.get(f"{URL}/{plan_id}/diff", {"artifact": "nonsense"}).status_code == 404
    assert api.get(f"{URL}/{artifact('beta').pk}/diff", {"artifact": alpha}).status_code == 404
    apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())
    answer = api.get(f"{URL}/{plan_id}/diff", {"artifact": alpha})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_plan")


def test_the_command(changed: Repository) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("refresh_collection", "--check", "--sync", verbosity=2, stdout=out)
    assert ended.value.code == 3
    shown = out.getvalue()
    assert "modified  skills/alpha/SKILL.md" in shown
    assert "+description: New" in shown
    assert "skills/alpha/pic.bin  (binary)" in shown
    with pytest.raises(SystemExit):
        call_command("refresh_collection", "--check", "--sync", "--json", verbosity=2, stdout=(raw := io.StringIO()))
    (result,) = json.loads(raw.getvalue())["results"]
    files = {row["name"]: row.get("files") for row in result["details"]}
    assert [file["path"] for file in files["beta"]] == ["skills/beta/SKILL.md"]
    assert files["gamma"] is None


def test_the_admin(admin_client: Client, changed: Repository) -> None:
    changed.commit({"skills/alpha/sub/new.txt": "<script>alert(1)</script>\u202e\n"})
    plan_id = planned()
    page = admin_client.get(reverse("admin:collections_app_refreshplan_change", args=[plan_id])).content.decode()
    link = reverse("admin:collections_app_refreshplan_files", args=[plan_id, artifact("alpha").pk])
    assert link in page
    shown = admin_client.get(link).content.decode()
    assert "skills/alpha/sub/new.txt" in shown
    assert "<script>alert(1)" not in shown
    assert "\u202e" not in shown
    assert "+ description: New" in words(shown)
    nowhere = reverse("admin:collections_app_refreshplan_files", args=[plan_id, plan_id])
    assert admin_client.get(nowhere).status_code == 404
    run(mode="sync")
    answer = admin_client.get(link, follow=True)
    assert "stale_plan" in answer.content.decode()
    assert Client().get(link).status_code == 302, "nobody without a login"


def test_a_conflict_in_the_admin(admin_client: Client, repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": text()})
    run(mode="sync")
    skill_path("alpha").write_text(text(line_3="<b>mine</b>"))
    repository.commit({"skills/alpha/SKILL.md": text(line_3="theirs"), "skills/beta/SKILL.md": skill("beta", "New")})
    plan_id = planned(strategy="merge")
    link = reverse("admin:collections_app_refreshplan_files", args=[plan_id, artifact("alpha").pk])
    shown = admin_client.get(link).content.decode()
    assert "<b>mine" not in shown
    said = words(shown)
    assert "changed on both sides" in said
    assert "- <b>mine</b>" in said
    assert "+ theirs" in said
    assert "leaves its files as they are" in shown


def test_many_at_once_tell_each_in_its_place(changed: Repository) -> None:
    plan_id = planned()
    ids = [str(artifact(name).pk) for name in ("beta", "alpha")]
    found = dict(plan_diffs(SLUG, plan_id, ids, report=SilentReport()))
    assert set(found) == set(ids)
    assert all(isinstance(one, PlannedFiles) for one in found.values())


def test_executables_and_links(repository: Repository) -> None:
    """Modes and links are part of a folder's content, and shown."""
    tip = run_git(["rev-parse", "main"], git_dir=repository.path, deadline_seconds=60).stdout.decode().strip()
    body = f"commit refs/heads/main\ncommitter A <a@b.invalid> 1800000000 +0000\ndata 1\nx\nfrom {tip}\n".encode()
    body += b"M 120000 inline skills/alpha/link\ndata 8\nSKILL.md\n"
    body += b"M 100755 inline skills/alpha/SKILL.md\ndata %d\n" % len(skill("alpha")) + skill("alpha").encode() + b"\n"
    assert run_git(["fast-import", "--quiet"], git_dir=repository.path, stdin=body, deadline_seconds=60).code == 0
    assert told(diff(planned())) == {
        "skills/alpha/SKILL.md": ("mode_changed", "text"),
        "skills/alpha/link": ("added", "text"),
    }
