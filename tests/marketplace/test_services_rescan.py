"""Scans of real repositories: what each kind of change upstream does to the catalog, counted exactly."""

from __future__ import annotations

import json

import pytest

from marketplace.models import Manifest, ScanRun
from marketplace.services.entries import set_excluded
from marketplace.services.sources import create_source, update_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.process import run_git
from tests.conftest import skill, skills
from tests.marketplace.scanning import counters, dump, entry, scan, statuses

pytestmark = pytest.mark.django_db


def plugin(name: str, **extra) -> str:
    return json.dumps({"name": name, "version": "1.0.0", **extra})


def git(repository, *args: str) -> str:
    return run_git(list(args), git_dir=repository.path, deadline_seconds=30).stdout.decode().strip()


# ---- first and second scan


def test_first_scan_enters_everything(source, repository):
    result = scan(source)
    assert counters(result) == {"new": 5}
    assert set(statuses(source).values()) == {"new"}
    assert set(statuses(source)) == {
        "skills/alpha",
        "skills/beta",
        "skills/gamma",
        ".claude/commands/deploy.md",
        ".claude/agents/tester.md",
    }
    assert source.counts == {"agent": 1, "command": 1, "skill": 3}
    assert result.commit == source.head_commit == git(repository, "rev-parse", "main")
    assert source.tree_oid == git(repository, "rev-parse", "main^{tree}")
    assert source.resolved_ref == "refs/heads/main"
    assert source.last_scanned_at == source.last_success_at == result.scanned_at


def test_content_ids_are_gits_own(source, repository):
    scan(source)
    for path in statuses(source):
        assert entry(source, path).content_oid == git(repository, "rev-parse", f"main:{path}")


def test_the_run_and_the_audit_event_tell_the_same_as_the_answer(source):
    told = scan(source).to_json()
    run = ScanRun.objects.get()
    assert run.result == told
    assert (run.new_count, run.updated_count, run.removed_count, run.unchanged_count) == (5, 0, 0, 0)
    assert (run.outcome, run.code, run.listing_complete) == ("updated", "", True)
    event = AuditEvent.objects.get(action="source.rescanned")
    assert event.object_id == str(source.pk)
    assert event.data["new_count"] == 5


def test_the_same_commit_is_not_scanned_again(source):
    first = scan(source)
    before = dump()
    second = scan(source)
    assert (second.short_circuit, second.to_json()["outcome"]) == ("commit", "unchanged")
    assert counters(second) == {"unchanged": 5}
    assert dump() == before
    assert source.last_scanned_at == second.scanned_at > first.scanned_at
    assert ScanRun.objects.count() == 1


def test_the_same_tree_under_another_commit_is_not_scanned_again(source, repository):
    scan(source)
    before = dump()
    repository.commit({}, "an empty commit")
    result = scan(source)
    assert result.short_circuit == "tree"
    assert counters(result) == {"unchanged": 5}
    assert dump() == before
    assert source.head_commit == git(repository, "rev-parse", "main")
    assert scan(source).short_circuit == "commit"


def test_a_reverted_change_leaves_the_tree_as_it_was(source, repository):
    scan(source)
    repository.commit({"README.md": "hello"})
    repository.commit({"README.md": None}, "revert")
    assert scan(source).short_circuit == "tree"


def test_a_change_outside_every_artifact_changes_no_entry(source, repository):
    scan(source)
    before = dump()
    repository.commit({"docs/guide.md": "hello"})
    result = scan(source)
    assert result.short_circuit is None
    assert counters(result) == {"unchanged": 5}
    assert dump() == before


def test_forced_scan_looks_again_and_finds_nothing_new(source):
    scan(source)
    before = dump()
    result = scan(source, force=True)
    assert result.short_circuit is None
    assert counters(result) == {"unchanged": 5}
    assert dump() == before
    assert ScanRun.objects.count() == 2


def test_a_short_circuit_repeats_the_duplicates_too(registered):
    _, source = registered(skills("a") | {"copy/SKILL.md": skill("a")})
    assert counters(scan(source)) == {"unchanged": 2, "within": 1}


def test_an_empty_repository_holds_nothing(make_repository):
    source = create_source(url=make_repository().url, actor=COMMAND_LINE)
    result = scan(source)
    assert (counters(result), result.commit, result.code) == ({}, None, "")
    assert source.last_success_at


# ---- one artifact changes


def test_a_changed_support_file_updates_its_skill_and_nothing_else(registered):
    files = skills("a", "b") | {"skills/a/scripts/run.py": "print(1)"}
    repository, source = registered(files)
    old = entry(source, "skills/a")
    untouched = dump()[1:]
    repository.commit({"skills/a/scripts/run.py": "print(2)"})
    assert counters(scan(source)) == {"updated": 1, "unchanged": 1}
    now = entry(source, "skills/a")
    assert (now.pk, now.status) == (old.pk, "updated")
    assert now.content_oid != old.content_oid
    assert now.commit == source.head_commit != old.commit
    assert now.updated_at > old.updated_at
    assert now.first_seen_at == old.first_seen_at
    assert dump()[1:] == untouched


def test_a_changed_part_updates_its_plugin_too(registered):
    files = {
        "kit/.claude-plugin/plugin.json": plugin("kit"),
        "kit/commands/run.md": "---\ndescription: Runs\n---\nRun.\n",
        "kit/agents/a.md": "---\nname: a\ndescription: A\n---\nA.\n",
        "other/.claude-plugin/plugin.json": plugin("other"),
    }
    repository, source = registered(files)
    assert counters(scan(source)) == {"unchanged": 4}
    repository.commit({"kit/commands/run.md": "---\ndescription: Runs\n---\nRun faster.\n"})
    assert counters(scan(source)) == {"updated": 2, "unchanged": 2}
    updated = {path for path, status in statuses(source).items() if status == "updated"}
    assert updated == {"kit", "kit/commands/run.md"}
    assert entry(source, "kit/commands/run.md").plugin == entry(source, "kit")
    assert entry(source, "other").plugin is None


def test_a_renamed_frontmatter_is_an_update_of_the_same_entry(registered):
    repository, source = registered(skills("a"))
    old = entry(source, "skills/a")
    repository.commit({"skills/a/SKILL.md": skill("quite-another")})
    result = scan(source)
    assert counters(result) == {"updated": 1}
    assert result.moved == []
    now = entry(source, "skills/a")
    assert (now.pk, now.name) == (old.pk, "quite-another")


def test_updated_stays_updated_after_a_quiet_scan(registered):
    repository, source = registered(skills("a"))
    repository.commit({"skills/a/SKILL.md": skill("a", "Does more")})
    scan(source)
    assert counters(scan(source, force=True)) == {"unchanged": 1}
    assert statuses(source) == {"skills/a": "updated"}


def test_another_mode_changes_a_folder_and_no_file(registered):
    files = skills("a") | {".claude/commands/c.md": "---\ndescription: C\n---\nC.\n"}
    repository, source = registered(files)
    blobs = {
        path: git(repository, "rev-parse", f"main:{path}") for path in ("skills/a/SKILL.md", ".claude/commands/c.md")
    }
    changes = "".join(f"M 100755 {oid} {path}\n" for path, oid in blobs.items())
    text = f"commit refs/heads/main\ncommitter A <a@b> 1767300000 +0000\ndata 1\nx\nfrom refs/heads/main^0\n{changes}"
    run_git(["fast-import", "--quiet"], git_dir=repository.path, stdin=text.encode(), deadline_seconds=30)
    assert counters(scan(source)) == {"updated": 1, "unchanged": 1}
    assert statuses(source) == {"skills/a": "updated", ".claude/commands/c.md": "new"}


def test_a_type_change_removes_one_entry_and_enters_another(registered):
    repository, source = registered({"kit/SKILL.md": skill("kit")} | skills("other"))
    repository.commit({"kit/SKILL.md": None, "kit/.claude-plugin/plugin.json": plugin("kit")})
    assert counters(scan(source)) == {"new": 1, "removed": 1, "unchanged": 1}
    assert entry(source, "kit", type="skill").status == "removed"
    assert entry(source, "kit", type="plugin").status == "new"


# ---- moved, swapped, gone and back


def test_a_moved_artifact_keeps_its_row_and_the_users_decision(registered):
    repository, source = registered(skills("a", "b"))
    old = entry(source, "skills/a")
    set_excluded([old.pk], excluded=True, reason="not for us", actor=COMMAND_LINE)
    repository.commit({"skills/a/SKILL.md": None, "office/a/SKILL.md": skill("a")})
    result = scan(source)
    assert counters(result) == {"updated": 1, "unchanged": 1}
    assert result.moved == [{"entry_id": old.pk, "from": "skills/a", "to": "office/a"}]
    now = entry(source, "office/a")
    assert (now.pk, now.moved_from, now.status, now.excluded_reason) == (old.pk, "skills/a", "excluded", "not for us")
    assert now.content_oid == old.content_oid
    assert now.commit == old.commit, "its content was new at the old commit"
    assert source.entries.count() == 2


def test_moved_is_remembered_after_a_later_change(registered):
    repository, source = registered(skills("a"))
    repository.commit({"skills/a/SKILL.md": None, "office/a/SKILL.md": skill("a")})
    scan(source)
    repository.commit({"office/a/SKILL.md": skill("a", "more")})
    assert scan(source).moved == []
    assert entry(source, "office/a").moved_from == "skills/a"


def test_moved_back_and_forth_is_one_row_all_the_way(registered):
    repository, source = registered(skills("a"))
    pk = entry(source, "skills/a").pk
    repository.commit({"skills/a/SKILL.md": None, "b/a/SKILL.md": skill("a")})
    scan(source)
    repository.commit({"b/a/SKILL.md": None, "skills/a/SKILL.md": skill("a")})
    assert counters(scan(source)) == {"updated": 1}
    assert (entry(source, "skills/a").pk, entry(source, "skills/a").moved_from) == (pk, "b/a")


def test_swapped_paths_are_two_updates_of_two_rows(registered):
    repository, source = registered(skills("a", "b"))
    pks = {path: entry(source, path).pk for path in statuses(source)}
    repository.commit({"skills/a/SKILL.md": skill("b"), "skills/b/SKILL.md": skill("a")})
    result = scan(source)
    assert counters(result) == {"updated": 2}
    assert result.moved == []
    assert {path: entry(source, path).pk for path in statuses(source)} == pks
    assert entry(source, "skills/a").name == "b"


def test_a_chain_of_moves_keeps_every_row(registered):
    """a goes to b's place while b goes elsewhere: b's entry moves, a's entry is gone, its place has other content."""
    repository, source = registered(skills("a", "b"))
    old = {path: entry(source, path).pk for path in statuses(source)}
    repository.commit({"skills/a/SKILL.md": None, "skills/b/SKILL.md": skill("a"), "c/b/SKILL.md": skill("b")})
    result = scan(source)
    assert counters(result) == {"new": 1, "updated": 1, "removed": 1}
    assert statuses(source) == {"skills/a": "removed", "skills/b": "updated", "c/b": "new"}
    assert entry(source, "skills/b").pk == old["skills/b"]


def test_a_removed_entry_is_kept_and_comes_back_as_new(registered):
    repository, source = registered(skills("a", "b"))
    old = entry(source, "skills/a")
    repository.commit({"skills/a/SKILL.md": skill("a", "changed")})
    scan(source)
    set_excluded([old.pk], excluded=True, reason="mine", actor=COMMAND_LINE)
    repository.commit({"skills/a/SKILL.md": None})
    assert counters(scan(source)) == {"removed": 1, "unchanged": 1}
    gone = entry(source, "skills/a")
    assert (gone.pk, gone.presence, gone.removed_at is not None) == (old.pk, "removed", True)
    assert (gone.status, gone.excluded_reason) == ("excluded", "mine")

    repository.commit({"skills/a/SKILL.md": skill("a")})
    assert counters(scan(source)) == {"new": 1, "unchanged": 1}
    back = entry(source, "skills/a")
    assert (back.pk, back.presence, back.removed_at) == (old.pk, "present", None)
    assert (back.status, back.excluded_reason) == ("excluded", "mine")
    set_excluded([old.pk], excluded=False, actor=COMMAND_LINE)
    assert statuses(source)["skills/a"] == "new"


def test_removed_counts_once(registered):
    repository, source = registered(skills("a", "b"))
    repository.commit({"skills/a/SKILL.md": None})
    scan(source)
    repository.commit({"README.md": "x"})
    assert counters(scan(source)) == {"unchanged": 1}
    assert statuses(source) == {"skills/a": "removed", "skills/b": "new"}


def test_no_scan_touches_a_users_decision(registered):
    repository, source = registered(skills("a", "b", "c"))
    ids = list(source.entries.values_list("pk", flat=True))
    set_excluded(ids, excluded=True, reason="why", actor=COMMAND_LINE)
    decisions = list(source.entries.values_list("pk", "excluded_at", "excluded_reason"))
    repository.commit(
        {"skills/a/SKILL.md": skill("a", "new"), "skills/b/SKILL.md": None, "x/c/SKILL.md": skill("c")}
        | {"skills/c/SKILL.md": None}
    )
    assert counters(scan(source)) == {"updated": 2, "removed": 1}
    assert list(source.entries.values_list("pk", "excluded_at", "excluded_reason")) == decisions
    assert set(statuses(source).values()) == {"excluded"}


# ---- what the source's own options change


def test_manual_map_decides_what_a_folder_holds(registered):
    _, source = registered({"prompts/one.md": "Do one", "prompts/two.md": "Do two"}, manual_map={"prompts": "command"})
    assert {(e.type, e.name, e.basis, e.manual) for e in source.entries.all()} == {
        ("command", "one", "manual", True),
        ("command", "two", "manual", True),
    }


def test_single_artifact_type_makes_the_whole_one(registered):
    _, source = registered({"README.md": "x", "lib/tool.py": "y"}, single_artifact_type="skill")
    single = source.entries.get()
    assert (single.type, single.path, single.name) == ("skill", ".", "toolbox")
    assert single.content_oid == source.tree_oid


def test_another_rule_rescans_the_same_commit(registered):
    """The reference system keeps what an old manual_map found until somebody pushes."""
    _repository, source = registered(skills("a") | {"prompts/one.md": "Do one"})
    assert counters(scan(source)) == {"unchanged": 1}
    update_source(source, actor=COMMAND_LINE, changes={"manual_map": {"prompts": "command"}})
    result = scan(source)
    assert result.short_circuit is None
    assert counters(result) == {"new": 1, "unchanged": 1}
    assert scan(source).short_circuit == "commit"


def test_other_rules_of_the_program_rescan_the_same_commit(registered, monkeypatch):
    _, source = registered(skills("a"))
    monkeypatch.setattr("marketplace.domain.detector.DETECTOR_VERSION", 999)
    result = scan(source)
    assert result.short_circuit is None
    assert counters(result) == {"unchanged": 1}


def test_tags_and_trust_do_not_rescan(registered):
    _, source = registered(skills("a"))
    update_source(source, actor=COMMAND_LINE, changes={"tags": ["x"], "trust_level": "official", "scan_interval": 60})
    assert scan(source).short_circuit == "commit"


def test_root_hint_narrows_what_is_looked_at(registered):
    files = {"a/skills/one/SKILL.md": skill("one"), "b/skills/two/SKILL.md": skill("two")}
    _, source = registered(files, root_hint="a")
    assert set(statuses(source)) == {"a/skills/one"}


def test_another_branch_is_another_catalog(registered):
    repository, source = registered(skills("a", "b"))
    run_git(["branch", "old", "main"], git_dir=repository.path, deadline_seconds=30)
    repository.commit({"skills/a/SKILL.md": None})
    scan(source)
    update_source(source, actor=COMMAND_LINE, changes={"ref": "old"})
    assert counters(scan(source)) == {"new": 1, "unchanged": 1}
    assert source.resolved_ref == "refs/heads/old"


# ---- read once


def test_a_manifest_is_parsed_and_read_once_for_all_sources(registered, make_repository, monkeypatch):
    files = skills("a", "b", "c")
    _, _first = registered(files)
    parsed = set(Manifest.objects.values_list("pk", flat=True))
    assert len(parsed) == 3
    other = create_source(url=make_repository("other", files | skills("d")).url, actor=COMMAND_LINE)
    read = []
    real = GitProvider.read

    def counting(self, address, head, oids, **more):
        read.append(list(oids))
        return real(self, address, head, oids, **more)

    monkeypatch.setattr(GitProvider, "read", counting)
    assert counters(scan(other)) == {"new": 4, "cross": 3}
    assert [len(oids) for oids in read] == [1], "only the manifest that nobody has read"
    assert Manifest.objects.count() == 4
    assert parsed < set(Manifest.objects.values_list("pk", flat=True))


def test_the_cache_of_manifests_may_be_emptied(registered):
    _, source = registered(skills("a"))
    before = dump()
    Manifest.objects.all().delete()
    assert counters(scan(source, force=True)) == {"unchanged": 1}
    assert dump() == before


# ---- hostile and odd content


def test_what_a_database_refuses_is_cleaned_and_told(registered):
    head = '---\nname: a\ndescription: "zero \\0, turned \\u202e, <script>"\n---\n'
    _, source = registered({"skills/a/SKILL.md": head})
    one = entry(source, "skills/a")
    assert one.description == "zero , turned \u202e, <script>"
    assert "text_cleaned" in {warning["code"] for warning in one.warnings}


def test_an_unreadable_head_is_an_entry_with_a_warning(registered):
    """The warning stands on the entry and in the answer, with the path it is about."""
    _, source = registered({"skills/b/SKILL.md": "---\nname: [1, 2\n---\n"})
    assert "yaml_invalid" in {warning["code"] for warning in entry(source, "skills/b").warnings}
    told = scan(source, force=True).to_json()["warnings"]
    assert ("yaml_invalid", "skills/b/SKILL.md") in {(warning["code"], warning["path"]) for warning in told}


def test_a_very_long_name_is_cut_to_what_the_column_holds(registered):
    _, source = registered({"skills/a/SKILL.md": skill("n" * 1000, "d" * 10_000)})
    one = entry(source, "skills/a")
    assert len(one.name) <= 300
    assert len(one.description) <= 4000
    assert counters(scan(source, force=True)) == {"unchanged": 1}
