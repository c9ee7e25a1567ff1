"""What an import puts on disk, into collection.toml and into the rows."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from collections_app.errors import UnsafePath
from collections_app.models import Artifact, Snapshot
from marketplace.models import EntryImport
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.models import Job
from tests.conftest import skill, skills
from tests.marketplace.imports.importing import (
    EXECUTABLE,
    LINK,
    anew,
    artifact,
    bring,
    commit_files,
    entry,
    folder,
    git,
    ids,
    on_disk,
    statuses,
)
from tests.marketplace.scanning import row_counts, scan

pytestmark = pytest.mark.django_db


def mktree(place: Path) -> str:
    """The id that git itself gives to a folder."""
    env = {**os.environ, "GIT_DIR": str(place / ".." / "probe.git"), "GIT_WORK_TREE": str(place)}
    subprocess.run(["git", "init", "-q", "--bare", env["GIT_DIR"]], check=True)
    subprocess.run(["git", "-c", "core.autocrlf=false", "add", "-f", "-A"], cwd=place, env=env, check=True)
    done = subprocess.run(["git", "write-tree"], cwd=place, env=env, check=True, capture_output=True, text=True)
    subprocess.run(["rm", "-rf", env["GIT_DIR"]], check=True)
    return done.stdout.strip()


def test_bytes_modes_and_links_come_over_and_ids_are_git_s(registered):
    repository, source = registered(skills("a"))
    odd = bytes(range(256)) * 3
    commit_files(
        repository,
        {
            "skills/a/run.sh": (EXECUTABLE, b"#!/bin/sh\r\necho hi\r\n"),
            "skills/a/data/blob.bin": ("100644", odd),
            "skills/a/data/link": (LINK, b"../SKILL.md"),
            "skills/a/.hidden/x": ("100644", b""),
            "commands/go.md": ("100644", b"---\ndescription: Goes\n---\n\nGo\n"),
        },
    )
    scan(source)
    result = bring(source)
    assert statuses(result) == [("success", "go"), ("success", "a")]
    place = folder() / "skills/a"
    assert (place / "data/blob.bin").read_bytes() == odd
    assert os.access(place / "run.sh", os.X_OK)
    assert not os.access(place / "SKILL.md", os.X_OK)
    assert (place / "data/link").readlink() == Path("../SKILL.md")
    row = artifact("a")
    tree = git(repository, "rev-parse", "main:skills/a")
    assert {row.content_oid, row.base_oid, row.upstream_oid, mktree(place)} == {tree}
    command = artifact("go", "command")
    blob = git(repository, "hash-object", str(folder() / "commands/go.md"))
    assert command.content_oid == blob == git(repository, "rev-parse", "main:commands/go.md")
    assert row.base_commit == git(repository, "rev-parse", "main")

    written = tomllib.loads((folder() / "collection.toml").read_text())
    (record,) = [record for record in written["artifacts"] if record["name"] == "a"]
    assert (record["origin"], record["upstream"], record["content_oid"]) == ("marketplace", source.url, tree)
    assert record["resolved_sha"] == row.base_commit


def test_attributes_and_ignores_inside_an_artifact_change_nothing(registered):
    repository, source = registered(skills("a"))
    commit_files(
        repository,
        {
            "skills/a/.gitattributes": ("100644", b"* text eol=crlf\n*.txt filter=x\n"),
            "skills/a/.gitignore": ("100644", b"*\n"),
            "skills/a/x.txt": ("100644", b"one\ntwo\n"),
        },
    )
    scan(source)
    bring(source)
    assert (folder() / "skills/a/x.txt").read_bytes() == b"one\ntwo\n"
    assert artifact("a").content_oid == git(repository, "rev-parse", "main:skills/a")


def test_a_second_import_skips_and_changes_nothing(registered):
    _, source = registered(skills("a", "b"))
    first = bring(source)
    before = (folder() / "collection.toml").read_bytes()
    second = bring(source)
    assert statuses(second) == [("skipped", "name_taken")] * 2
    assert second.item_outcome == "skipped"
    assert (folder() / "collection.toml").read_bytes() == before
    assert [e.artifact_id for e in first.entries] == [
        str(link.artifact_id) for link in EntryImport.objects.order_by("pk")
    ]
    assert not Snapshot.objects.exists(), "nothing was there to be lost"


def test_a_dry_run_says_what_the_run_does_and_writes_nothing(registered):
    repository, source = registered({**skills("a", "b"), ".claude-plugin/plugin.json": "{}"})
    repository.commit({"hooks/hooks.json": '{"hooks": {"Stop": [{"command": "${CLAUDE_PLUGIN_ROOT}/x"}]}}'})
    scan(source)
    before = row_counts()
    foreseen = bring(source, dry_run=True)
    assert row_counts() == before
    assert not folder().exists()
    done = bring(source)
    assert [(e.status, e.code, e.name) for e in foreseen.entries] == [(e.status, e.code, e.name) for e in done.entries]
    assert ("error", "needs_plugin") in statuses(done)
    again = bring(source, strategy="overwrite", dry_run=True)
    assert again.to_json()["summary"] == bring(source, strategy="overwrite").to_json()["summary"]


# What the batch itself does: reference 6, "conflict map is read once"


TWINS = {"a/skills/foo/SKILL.md": skill("foo", "One"), "b/skills/foo/SKILL.md": skill("foo", "Two")}


@pytest.mark.parametrize(
    ("strategy", "expected", "files"),
    [
        ("skip", [("success", "foo"), ("skipped", "same_name_in_batch")], ["skills/foo/SKILL.md"]),
        ("overwrite", [("success", "foo"), ("conflict", "same_name_in_batch")], ["skills/foo/SKILL.md"]),
        ("rename", [("success", "foo"), ("success", "foo-1")], ["skills/foo-1/SKILL.md", "skills/foo/SKILL.md"]),
    ],
)
def test_two_entries_of_one_name_in_a_batch(registered, strategy, expected, files):
    _, source = registered(TWINS)
    assert statuses(bring(source, strategy=strategy)) == expected
    assert on_disk() == files
    assert "One" in (folder() / "skills/foo/SKILL.md").read_text()


@pytest.mark.parametrize("kind", ["skill", "command"])
@pytest.mark.parametrize(
    ("strategy", "status"), [("skip", "skipped"), ("overwrite", "conflict"), ("rename", "success")]
)
def test_an_unmanaged_file_is_never_replaced(registered, kind, strategy, status):
    """Reference 6: conflicts of single files were never seen."""
    _, source = registered({**skills("foo"), "commands/foo.md": "---\ndescription: d\n---\n\nx\n"})
    path = folder() / ("skills/foo/mine.txt" if kind == "skill" else "commands/foo.md")
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    result = bring(source, ids(source, type=kind), strategy=strategy)
    assert [entry.status for entry in result.entries] == [status]
    assert path.read_text() == "mine"
    if status == "success":
        assert result.entries[0].name == "foo-1"
    else:
        assert result.entries[0].code == "unmanaged_file"


@pytest.mark.parametrize("strategy", ["overwrite", "rename"])
def test_a_file_where_a_folder_is_due_and_the_other_way(registered, strategy):
    _, source = registered({**skills("foo"), "commands/foo.md": "---\ndescription: d\n---\n\nx\n"})
    (folder() / "skills").mkdir(parents=True)
    (folder() / "skills/foo").write_text("mine")
    (folder() / "commands/foo.md").mkdir(parents=True)
    (folder() / "commands/foo.md/inner.md").write_text("mine too")
    result = bring(source, strategy=strategy)
    assert (folder() / "skills/foo").read_text() == "mine"
    assert (folder() / "commands/foo.md/inner.md").read_text() == "mine too"
    expected = {("conflict", "unmanaged_file")} if strategy == "overwrite" else {("success", "foo-1")}
    assert set(statuses(result)) == expected


def test_an_empty_folder_is_in_nobodys_way(registered):
    _, source = registered(skills("foo"))
    (folder() / "skills/foo").mkdir(parents=True)
    assert statuses(bring(source)) == [("success", "foo")]


def test_a_name_that_differs_only_in_case_is_taken(registered):
    _, source = registered({"a/skills/Foo/SKILL.md": skill("Foo"), "b/skills/foo/SKILL.md": skill("foo")})
    assert statuses(bring(source)) == [("success", "Foo"), ("skipped", "same_name_in_batch")]


def test_names_that_no_disk_takes(registered):
    """``..`` and reserved names (reference 40): the place names it, or it is refused."""
    _, source = registered(
        {
            "skills/fine/SKILL.md": skill("'../../escape'"),
            "skills/con/SKILL.md": skill("CON"),
            "skills/long/SKILL.md": skill("x" * 290),
        }
    )
    result = bring(source)
    told = [(e.status.value, e.code or e.name) for e in result.entries]
    found = dict(zip(["con", "fine", "long"], told, strict=True))
    assert found["con"] == ("error", "unsafe_path")
    assert found["fine"] == ("success", "fine")
    assert found["long"][0] == "success"
    assert all(name.startswith("skills/") for name in on_disk())


def test_commands_keep_their_namespace(registered):
    """One real repository has 42 commands whose bare names collide."""
    files = {f".claude/commands/{name}/review.md": f"---\ndescription: {name}\n---\n\nx\n" for name in ("a", "b")}
    _, source = registered(files)
    result = bring(source, ids(source, type="command"))
    assert {e.status for e in result.entries} == {"success"}
    assert [e.name for e in result.entries] == ["a:review", "b:review"]
    assert on_disk() == ["commands/a/review.md", "commands/b/review.md"]


HOOKS = '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "${CLAUDE_PLUGIN_ROOT}/x"}]}]}}'


def test_a_plugin_comes_whole_and_its_hook_only_with_it(registered):
    files = {
        "kit/.claude-plugin/plugin.json": '{"name": "kit"}',
        "kit/hooks/hooks.json": HOOKS,
        "kit/skills/a/SKILL.md": skill("a"),
        "kit/commands/go.md": "---\ndescription: d\n---\n\nx\n",
        ".claude-plugin/marketplace.json": '{"name": "m", "plugins": [{"name": "kit", "source": "./kit"}]}',
    }
    repository, source = registered(files)
    result = bring(source)
    told = {source.entries.get(pk=e.entry_id).type: (e.status.value, e.code) for e in result.entries}
    assert told["plugin"] == ("success", "")
    assert told["hook"] == ("error", "needs_plugin")
    assert told["marketplace"] == ("error", "not_importable")
    assert artifact("kit", "plugin").content_oid == git(repository, "rev-parse", "main:kit")
    assert (folder() / "plugins/kit/hooks/hooks.json").exists()


def test_inline_hooks_and_servers_become_files_of_their_own(registered):
    manifest = """{"name": "kit", "hooks": {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}},
      "mcpServers": {"db": {"command": "db-server"}}}"""
    repository, source = registered({"kit/.claude-plugin/plugin.json": manifest, "kit/skills/a/SKILL.md": skill("a")})
    wanted = ids(source, type__in=("hook", "mcp"))
    assert len(wanted) == 2
    result = bring(source, wanted)
    assert {e.status for e in result.entries} == {"success"}
    for pk in wanted:
        found = source.entries.get(pk=pk)
        row = Artifact.objects.get(entry_imports__entry=found)
        assert row.content_oid == found.content_oid == git(repository, "hash-object", str(folder() / row.path))

    git(repository, "tag", "old")
    repository.commit({"kit/.claude-plugin/plugin.json": manifest.replace("db-server", "other")})
    scan(source)
    old = bring(source, ids(source, type="mcp"), strategy="overwrite", source_ref="old")
    assert {e.status for e in old.entries} == {"success"}
    assert any("db-server" in path.read_text() for path in (folder() / "mcp").iterdir())


def test_excluded_removed_and_unknown_entries(registered):
    repository, source = registered(skills("a", "b", "c"))
    source.entries.filter(name="a").update(excluded_at=source.created_at)
    repository.commit({"skills/b/SKILL.md": None})
    scan(source, allow_removals=True)
    result = bring(source, [*ids(source), 10**9])
    assert statuses(result) == [
        ("error", "not_importable"),
        ("error", "not_importable"),
        ("success", "c"),
        ("error", "not_found"),
    ]
    assert on_disk() == ["skills/c/SKILL.md"]


@pytest.mark.parametrize("how", ["branch", "tag", "commit", "slashed"])
def test_another_ref_brings_its_own_content(registered, how):
    """Reference 6: a ref with a slash broke the path."""
    repository, source = registered(skills("a", "b"))
    first = git(repository, "rev-parse", "main")
    for name in ("tag old", "branch older", "branch feature/x"):
        git(repository, *name.split(), first)
    old = git(repository, "rev-parse", "main:skills/a")
    repository.commit({"skills/a/SKILL.md": skill("a", "New"), "skills/d/SKILL.md": skill("d")})
    scan(source)
    ref = {"branch": "older", "tag": "old", "commit": first, "slashed": "feature/x"}[how]
    result = bring(source, source_ref=ref)
    assert statuses(result) == [("success", "a"), ("success", "b"), ("error", "not_in_commit")]
    row = artifact("a")
    assert (row.content_oid, row.base_oid, row.base_commit, row.upstream_ref) == (old, old, first, ref)
    assert EntryImport.objects.get(artifact=row).imported_oid == old


def test_an_unknown_ref_is_an_error_in_run_and_dry_run(registered):
    _, source = registered(skills("a"))
    for dry_run in (True, False):
        with pytest.raises(DomainError) as refused:
            bring(source, source_ref="nowhere", dry_run=dry_run)
        assert refused.value.code == "upstream_ref_not_found"
        with pytest.raises(DomainError) as refused:
            bring(source, source_ref="--upload-pack=x", dry_run=dry_run)
        assert refused.value.code == "invalid_ref"
    assert not Artifact.objects.exists()


def test_overwriting_leaves_no_file_behind_and_the_edit_is_in_the_snapshot(registered):
    """Reference 6: files deleted upstream stayed; the row lost its tags."""
    repository, source = registered({**skills("a"), "skills/a/old.md": "old"})
    bring(source)
    row = artifact("a")
    (folder() / "skills/a/SKILL.md").write_text("mine")
    repository.commit({"skills/a/old.md": None, "skills/a/new.md": "new"})
    scan(source)
    result = bring(source, strategy="overwrite")
    assert statuses(result) == [("success", "a")]
    assert on_disk() == ["skills/a/SKILL.md", "skills/a/new.md"]
    assert artifact("a").pk == row.pk
    snapshot = Snapshot.objects.get(pk=result.snapshot_id)
    kept = git(folder().parent.parent / "store.git", "show", f"{snapshot.commit_oid}:skills/a/SKILL.md")
    assert kept == "mine"


def test_a_renamed_import_re_imports_into_itself(registered):
    """Reference 5 and 21: the link is by key, not by name."""
    repository, source = registered(TWINS)
    bring(source, strategy="rename")
    second = entry(source, "b/skills/foo")
    assert second.imports.get().artifact.name == "foo-1"
    repository.commit({"b/skills/foo/SKILL.md": skill("foo", "Three")})
    scan(source)
    result = anew(source, second.pk, keep_deployments=True)
    assert result.artifact_id == str(artifact("foo-1").pk)
    assert "Three" in (folder() / "skills/foo-1/SKILL.md").read_text()
    assert "One" in (folder() / "skills/foo/SKILL.md").read_text()
    repository.commit({"b/skills/foo/SKILL.md": skill("foo", "Four")})
    scan(source)
    bring(source, [second.pk], strategy="overwrite")
    assert "Four" in (folder() / "skills/foo-1/SKILL.md").read_text()
    assert on_disk() == ["skills/foo-1/SKILL.md", "skills/foo/SKILL.md"]


@pytest.mark.parametrize("strategy", ["skip", "overwrite", "rename"])
def test_an_artifact_that_is_gone_from_disk_is_made_again_in_its_place(registered, strategy):
    """Reference 6: a partial directory was taken for the artifact under skip."""
    _, source = registered(skills("a"))
    bring(source)
    row = artifact("a")
    subprocess.run(["rm", "-r", str(folder() / "skills/a")], check=True)
    assert statuses(bring(source, strategy=strategy)) == [("success", "a")]
    assert artifact("a").pk == row.pk
    assert on_disk() == ["skills/a/SKILL.md"]


def test_a_retried_job_does_not_import_twice_under_rename(registered):
    _, source = registered(skills("a", "b"))
    job = Job.objects.create(kind="marketplace.import", label="x", params={}, trigger="api", queue="default")
    first = bring(source, ids(source)[:1], strategy="rename", job_id=job.pk)
    again = bring(source, strategy="rename", job_id=job.pk)
    assert statuses(again) == [("success", "a"), ("success", "b")]
    assert again.entries[0].artifact_id == first.entries[0].artifact_id
    assert on_disk() == ["skills/a/SKILL.md", "skills/b/SKILL.md"]
    assert 'name = "a-1"' not in (folder() / "collection.toml").read_text()


def test_records_that_the_index_does_not_know_are_managed(registered):
    """A folder copied by hand carries the ids of another collection: those rows are not touched."""
    _, source = registered(skills("a"))
    bring(source)
    original = artifact("a")
    subprocess.run(["cp", "-r", str(folder()), str(folder("copy"))], check=True)
    result = bring(source, collection="copy", strategy="overwrite")
    assert statuses(result) == [("success", "a")]
    original.refresh_from_db()
    assert original.collection.slug == "default"
    assert artifact("a", slug="copy").pk != original.pk
    text = (folder("copy") / "collection.toml").read_text()
    (folder() / "collection.toml").write_text("\n".join(line for line in text.splitlines() if "uuid" not in line))
    Artifact.objects.filter(collection__slug="default").delete()
    assert statuses(bring(source, strategy="overwrite")) == [("success", "a")]


def test_a_slug_that_leads_out_is_refused(registered):
    _, source = registered(skills("a"))
    for dry_run in (True, False):
        with pytest.raises(UnsafePath):
            bring(source, collection="../x", dry_run=dry_run)
