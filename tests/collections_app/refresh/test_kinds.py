"""Artifacts and upstreams that are not plain skills: inline values, plugins, 1.x records, trees no disk can hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collections_app.admin.refresh_actions import REFRESH_ARTIFACTS, REFRESH_COLLECTIONS, SyncForm
from collections_app.models import Artifact
from skillmeat_site.upstream.process import run_git
from tests.collections_app.refresh.conftest import Registered
from tests.collections_app.refresh.refreshing import (
    SLUG,
    artifact,
    check,
    detail,
    every_byte,
    folder,
    import_all,
    run,
    states,
    statuses,
)
from tests.conftest import Repository, skill

pytestmark = pytest.mark.django_db(transaction=True)


def plugin(**more: Any) -> str:
    return json.dumps({"name": "kit", "description": "A kit", "version": "1.0.0", **more})


def hooks(command: str) -> dict[str, Any]:
    return {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}}


def test_a_hook_that_stands_in_a_manifest(registered: Registered) -> None:
    path = ".claude-plugin/plugin.json"
    repository, source = registered({path: plugin(**hooks("make one"))})
    import_all(source)
    row = Artifact.objects.get(type="hook")
    repository.commit({path: plugin(keywords=["other"], **hooks("make one"))})
    assert states(check(filters={"type": ["hook"]})) == {row.name: "in_sync"}
    repository.commit({path: plugin(**hooks("make two"))})
    assert states(check(filters={"type": ["hook"]})) == {row.name: "update_available"}
    assert detail(run(mode="sync", filters={"type": ["hook"]}), row.name)["changes"] == ["content"]
    assert json.loads((folder() / row.path).read_text()) == hooks("make two")
    assert set(statuses(run(mode="sync", filters={"type": ["hook"]})).values()) == {"unchanged"}
    repository.commit({path: plugin()})
    (gone,) = check(filters={"type": ["hook"]})["results"]
    assert (gone["state"], gone["code"]) == ("unknown", "upstream_path_not_found")


def test_a_plugin_is_told_by_its_manifest(registered: Registered) -> None:
    repository, source = registered({".claude-plugin/plugin.json": plugin(), "README.md": "Hello"})
    import_all(source)
    repository.commit({".claude-plugin/plugin.json": plugin(author={"name": "Ann"}, version="1.1.0")})
    row = detail(run(filters={"type": ["plugin"]}), "kit")
    assert row["new_values"] == {"author": "Ann", "version": "1.1.0"}


def test_without_a_note_of_what_was_imported_the_file_tells(repository: Repository) -> None:
    """As after SkillMeat 1.x: what the artifact's own file says came from upstream, the rest from its user."""
    (folder() / "collection.lock").unlink()
    manifest = folder() / "collection.toml"
    manifest.write_text(manifest.read_text().replace('title = "beta"', 'title = "Mine"'))
    head = "---\nname: {}\ntitle: New\ndescription: New\n---\n"
    repository.commit({f"skills/{name}/SKILL.md": head.format(name) for name in ("alpha", "beta")})
    result = run()
    assert set(detail(result, "alpha")["changes"]) == {"title", "description"}
    assert detail(result, "beta")["kept"] == ["title"]
    assert detail(result, "beta")["changes"] == ["description"]


def test_a_tree_that_no_disk_can_hold_is_told_by_the_dry_run(repository: Repository) -> None:
    repository.commit({"skills/alpha/Notes.md": "a", "skills/alpha/notes.md": "b"})
    told = detail(run(mode="sync", dry_run=True), "alpha")
    assert (told["status"], told["code"]) == ("error", "unsafe_path")
    assert detail(run(mode="sync"), "alpha") == told
    assert artifact("alpha").state == "update_available"


def test_a_link_that_leaves_the_artifact_is_told_by_the_dry_run(repository: Repository) -> None:
    target = b"../../../../etc/passwd"
    tip = run_git(["rev-parse", "main"], git_dir=repository.path, deadline_seconds=60).stdout.decode().strip()
    body = f"commit refs/heads/main\ncommitter A <a@b.invalid> 1800000000 +0000\ndata 1\nx\nfrom {tip}\n".encode()
    body += b"M 120000 inline skills/alpha/link\ndata %d\n" % len(target) + target + b"\n"
    done = run_git(["fast-import", "--quiet"], git_dir=repository.path, stdin=body, deadline_seconds=60)
    assert done.code == 0
    before = every_byte()
    for dry_run in (True, False):
        told = detail(run(mode="sync", dry_run=dry_run), "alpha")
        assert (told["status"], told["code"]) == ("error", "unsafe_link")
    assert every_byte() == before


def test_a_folder_of_the_collection_that_is_gone(repository: Repository) -> None:
    for path in sorted(folder().rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    result = check()
    assert set(states(result).values()) == {"missing"}


def test_the_admins_actions(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    check()
    for kind in REFRESH_COLLECTIONS:
        action = kind()
        preview = action.preview(None, [SLUG], {})  # type: ignore[arg-type]
        assert not preview.exact
        assert preview.counts == {"update_available": 1, "in_sync": 3}
        definition, params = action.target([SLUG], {})
        kept = "collections.plan" if kind.name == "plan" else "collections.refresh"
        assert (definition.kind, params["slug"]) == (kept, SLUG)
    form = SyncForm({"strategy": "merge"})
    assert form.is_valid()
    action = REFRESH_ARTIFACTS[2]()
    params = action.params([artifact("alpha").pk, artifact("beta").pk], form.cleaned_data)
    assert params["strategy"] == "merge"
    planned = action.planned(_Request(), params["ids"], form.cleaned_data)  # type: ignore[arg-type]
    assert planned.counts == {"updated": 1, "unchanged": 1}


class _Request:
    class user:  # noqa: N801 - as a request has it
        pk = None

        @staticmethod
        def get_username() -> str:
            return "root"
