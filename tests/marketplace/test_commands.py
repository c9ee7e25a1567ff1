"""manage.py: options, exit codes, one JSON document on stdout, people's words elsewhere."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from marketplace.models import CatalogEntry, Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.upstream.process import run_git
from tests.conftest import skill, skills
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory
from tests.marketplace.scanning import counters, dump, row_counts, scan

pytestmark = pytest.mark.django_db


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    def outcomes(self) -> list[tuple[str, str | None]]:
        return [(row["outcome"], row.get("code")) for row in self.json["results"]]


def manage(*words: Any) -> Said:
    """Run a command as a shell would: what it exits with, and what it says where."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*[str(word) for word in words], stdout=out, stderr=err)
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    except CommandError as usage:  # Django prints it and exits with its return code
        code = usage.returncode if usage.returncode != 1 or "Error:" not in str(usage) else 2
        err.write(str(usage))
    return Said(code, out.getvalue(), err.getvalue())


def adds_up(said: Said) -> bool:
    summary = dict(said.json["summary"])
    return summary.pop("total") == sum(summary.values()) == len(said.json["results"])


# ---- add_source


def test_add_source_registers_without_asking_anybody():
    said = manage("add_source", "acme/tools", "https://github.com/acme/other", "--tag", "a", "--tag", "b", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.outcomes() == [("created", None), ("created", None)]
    assert said.json["results"][0]["url"] == "https://github.com/acme/tools"
    assert said.json["results"][0]["tags"] == ["a", "b"]
    assert adds_up(said)
    assert {event.trigger for event in AuditEvent.objects.all()} == {"command"}


def test_add_source_of_a_known_one_is_unchanged():
    manage("add_source", "acme/tools")
    said = manage("add_source", "https://github.com/ACME/tools.git", "--json")
    assert (said.code, said.outcomes()) == (0, [("unchanged", None)])
    assert Source.objects.count() == 1


def test_add_source_with_options_and_scan(repository):
    said = manage("add_source", repository.path, "--ref", "main", "--root-hint", "skills", "--scan", "--json")
    assert said.code == 0
    row = said.json["results"][0]
    assert (row["ref"], row["root_hint"]) == ("main", "skills")
    assert counters(row["scan"]) == {"new": 3}


def test_add_source_single(repository):
    row = manage("add_source", repository.url, "--single-artifact-type", "skill", "--scan", "--json").json["results"][
        0
    ]
    assert row["scan"]["artifacts_found"] == 1


def test_add_source_each_url_settles_by_itself():
    said = manage("add_source", "acme/tools", "https://evil.example/a/b", "nonsense", "--json")
    assert said.code == 1
    assert said.outcomes() == [("created", None), ("failed", "host_not_allowed"), ("failed", "invalid_url")]
    assert adds_up(said)


def test_add_source_that_cannot_be_scanned_is_kept_and_fails(tmp_path):
    said = manage("add_source", tmp_path / "repos" / "missing", "--scan", "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "upstream_not_found")])
    assert Source.objects.count() == 1


def test_add_source_dry_run_writes_nothing_and_tells_the_same():
    before = row_counts()
    words = ("add_source", "acme/tools", "nonsense", "--json")
    dry = manage(*words, "--dry-run")
    assert row_counts() == before
    real = manage(*words)
    assert (dry.code, dry.outcomes()) == (real.code, real.outcomes())


@pytest.mark.parametrize("wrong", [("--tag", "no tag"), ("--root-hint", "../x"), ("--ref", "a..b")])
def test_add_source_dry_run_refuses_what_the_run_would(wrong):
    words = ("add_source", "acme/tools", *wrong, "--json")
    dry = manage(*words, "--dry-run")
    real = manage(*words)
    assert dry.code == real.code == 1
    assert dry.outcomes() == real.outcomes()
    assert not Source.objects.exists()


# ---- list_sources


def test_list_sources():
    SourceFactory(tags=["x"], scanned=True)
    SourceFactory(enabled=False)
    said = manage("list_sources", "--json")
    assert [row["health"] for row in said.json["results"]] == ["fresh", "disabled"]
    assert said.json["summary"] == {"total": 2}
    assert len(manage("list_sources", "--tag", "X", "--json").json["results"]) == 1
    assert len(manage("list_sources", "--status", "disabled", "--json").json["results"]) == 1
    assert "2 sources" in manage("list_sources").out
    assert manage("list_sources", "--status", "well").code == 2


# ---- rescan


@pytest.fixture
def good(registered):
    return registered(skills("a"), name="good")


@pytest.fixture
def bad(registered):
    repository, source = registered(skills("b"), name="bad")
    shutil.rmtree(repository.path)
    return source


def spellings(source: Source) -> list[str]:
    path = source.url.removeprefix("file://")
    return [str(source.pk), source.url, path, f"{source.owner}/{source.name}", f"{source.owner}/{source.name}".upper()]


def test_rescan_names_a_source_in_any_spelling(good):
    _repository, source = good
    for word in spellings(source):
        said = manage("rescan", word, "--json")
        assert (said.code, said.outcomes()) == (0, [("unchanged", None)]), word
        assert said.json["results"][0]["source_id"] == source.pk
    assert Job.objects.filter(trigger="command", status="succeeded").count() == 5


def test_rescan_all_spellings_of_one_are_one(good):
    _, source = good
    assert len(manage("rescan", *spellings(source), "--json").json["results"]) == 1


def test_rescan_tells_of_a_change(good):
    repository, source = good
    repository.commit({"skills/a/SKILL.md": skill("a", "new")} | skills("fresh"))
    said = manage("rescan", source.pk)
    assert (said.code, said.err) == (0, "")
    assert "1 new, 1 updated" in said.out
    assert "same commit as before" in manage("rescan", source.pk).out


def test_rescan_several_where_one_fails(good, bad):
    _, source = good
    said = manage("rescan", bad.pk, source.pk, "987654321", "nobody/nothing", "--json")
    assert said.code == 1
    assert said.outcomes() == [
        ("failed", "not_found"),
        ("failed", "not_found"),
        ("failed", "upstream_not_found"),
        ("unchanged", None),
    ]
    assert adds_up(said)
    people = manage("rescan", bad.pk, source.pk, "987654321")
    assert "upstream_not_found" in people.err
    assert "not_found" in people.err
    assert "upstream_not_found" not in people.out


def test_rescan_one_that_fails(bad):
    said = manage("rescan", bad.pk, "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "upstream_not_found")])
    assert said.json["results"][0]["detail"]
    assert CatalogEntry.objects.present().count() == 1


def test_rescan_a_busy_one(good):
    _, source = good
    Lease.acquire(Source, source.pk)
    said = manage("rescan", source.pk, "--force", "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "source_busy")])


@pytest.mark.parametrize("words", [(), ("--all", "1"), ("--stale",), ("--stale", "soon"), ("--what",)])
def test_rescan_usage(words):
    assert manage("rescan", *words).code == 2


def test_rescan_all_leaves_out_disabled_ones_and_tells_of_those_that_back_off(good, bad):
    _, source = good
    SourceFactory(enabled=False)
    assert manage("rescan", bad.pk).code == 1
    said = manage("rescan", "--all", "--json")
    assert said.code == 0
    assert [(row.get("source_id"), row["outcome"], row["code"]) for row in said.json["results"]] == [
        (bad.pk, "skipped", "backing_off"),
        (source.pk, "unchanged", None),
    ]
    assert manage("rescan", bad.pk, "--json").outcomes() == [("failed", "upstream_not_found")], "by id it is tried"


def test_rescan_by_tag_and_age(good, registered):
    _, source = good
    _, other = registered(skills("c"), name="other", tags=["x"])
    ids = lambda *words: [row["source_id"] for row in manage("rescan", *words, "--json").json["results"]]  # noqa: E731
    assert ids("--tag", "X") == [other.pk]
    assert ids("--stale", "1") == []
    Source.objects.filter(pk=source.pk).update(last_scanned_at=timezone.now() - timezone.timedelta(hours=2))
    assert ids("--stale", "1") == [source.pk]
    assert ids("--stale", "1", "--tag", "x") == []


def test_rescan_force_looks_again(good):
    _, source = good
    assert manage("rescan", source.pk, "--json").json["results"][0]["short_circuit"] == "commit"
    assert manage("rescan", source.pk, "--force", "--json").json["results"][0]["short_circuit"] is None


NAMES = [f"s{n:02}" for n in range(12)]


@pytest.fixture
def emptied(registered):
    repository, source = registered(skills(*NAMES), name="emptied")
    repository.commit({f"skills/{name}/SKILL.md": None for name in NAMES})
    return source


@pytest.mark.parametrize("several", [False, True])
def test_held_removals_exit_1_until_allowed(emptied, good, several):
    words = [emptied.pk, good[1].pk] if several else [emptied.pk]
    said = manage("rescan", *words, "--json")
    assert (said.code, said.outcomes()[0]) == (1, ("unchanged", "removals_held"))
    allowed = manage("rescan", *words, "--allow-removals", "--json")
    assert (allowed.code, allowed.json["results"][0]["removed_count"]) == (0, 12)


def test_add_source_scan_tells_held_removals_too(emptied):
    assert manage("add_source", emptied.url, "--scan").code == 1


def test_rescan_dry_run(good, bad):
    repository, source = good
    repository.commit(skills("fresh"))
    before = dump(), row_counts()
    said = manage("rescan", source.pk, "--dry-run", "--json")
    assert counters(said.json["results"][0]) == {"new": 1, "unchanged": 1}
    assert said.json["results"][0]["dry_run"]
    both = manage("rescan", source.pk, bad.pk, "--dry-run", "--json")
    assert (both.code, both.outcomes()) == (1, [("updated", None), ("failed", "upstream_not_found")])
    assert manage("rescan", bad.pk, "--dry-run").code == 1
    assert (dump(), row_counts()) == before


def test_rescan_async_queues_jobs(good, bad):
    _, source = good
    said = manage("rescan", source.pk, "--async", "--json")
    (job,) = said.json["results"]
    assert (said.code, job["status"], job["kind"], job["trigger"]) == (0, "queued", "marketplace.rescan", "command")
    assert manage("rescan", source.pk, "--async", "--json").json["results"][0]["id"] == job["id"], "it joins"
    many = manage("rescan", source.pk, bad.pk, "--async", "--json")
    assert many.json["results"][0]["kind"] == "marketplace.bulk_rescan"
    assert "queued" in manage("rescan", source.pk, "--async").out
    unknown = manage("rescan", "987654321", "--async", "--json")
    assert (unknown.code, unknown.outcomes()) == (1, [("failed", "not_found")])


def test_rescan_async_and_dry_run_queues_nothing(good):
    _, source = good
    before = row_counts()
    said = manage("rescan", source.pk, "--async", "--dry-run", "--json")
    assert row_counts() == before
    assert said.json["results"][0]["dry_run"]


# ---- list_entries, exclude_entries


@pytest.fixture
def catalog(db):
    source = SourceFactory()
    alpha = CatalogEntryFactory(source=source, name="alpha")
    CatalogEntryFactory(source=source, name="alp[h]a-2", type="command")
    CatalogEntryFactory(source=source, name="gone", removed=True)
    CatalogEntryFactory(source=source, name="unwanted", excluded=True)
    CatalogEntryFactory(source=source, name="copy", duplicate_of=alpha)
    CatalogEntryFactory(name="other", changed_since_first_seen=True)
    return source


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), "alpha alp[h]a-2 other"),
        (("-t", "skill"), "alpha other"),
        (("--type", "skill", "--artifact-type", "command"), "alpha alp[h]a-2 other"),
        (("-n", "alp*"), "alpha alp[h]a-2"),
        (("-n", "al?ha"), "alpha"),
        (("-n", "alpha"), "alpha"),
        (("-n", "a.*"), ""),
        (("-n", "*a*[!z]*a*"), "alpha alp[h]a-2"),
        (("-n", "al[p-q]*a"), "alpha"),
        (("-n", "alp[[]h]*"), "alp[h]a-2"),
        (("-n", "al[]p]ha"), "alpha"),
        (("-n", "al[^]ha"), ""),
        (("-n", "alp[ha"), ""),
        (("-n", "*[\\d]*"), ""),
        (("--status", "updated"), "other"),
        (("--status", "removed"), "gone"),
        (("--status", "excluded", "--status", "updated"), "unwanted other"),
        (("--include", "duplicate"), "alpha copy alp[h]a-2 other"),
        (("--include", "removed", "--include", "excluded"), "alpha gone unwanted alp[h]a-2 other"),
    ],
)
def test_list_entries(catalog, words, names):
    said = manage("list_entries", *words, "--json")
    assert sorted(row["name"] for row in said.json["results"]) == sorted(names.split())
    assert said.json["summary"] == {"total": len(names.split())}
    assert f"{len(names.split())} entries" in manage("list_entries", *words).out


def test_list_entries_of_a_source(catalog):
    for word in (catalog.pk, catalog.url, f"{catalog.owner}/{catalog.name}"):
        assert manage("list_entries", "--source", word, "--json").json["summary"] == {"total": 2}
    said = manage("list_entries", "--source", "987654321", "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "not_found")])
    assert manage("list_entries", "-t", "workflow").code == 2
    assert manage("list_entries", "-n", "[z-a]", "--json").outcomes() == [("failed", "invalid_parameter")]


def test_exclude_and_restore_by_id_and_by_filter(catalog):
    alpha = CatalogEntry.objects.get(name="alpha")
    said = manage("exclude_entries", alpha.pk, 987654321, "--reason", "why", "--json")
    assert (said.code, said.outcomes()) == (1, [("updated", None), ("failed", "not_found")])
    alpha.refresh_from_db()
    assert alpha.excluded_reason == "why"
    said = manage("exclude_entries", "--source", catalog.pk, "--restore", "--json")
    assert said.code == 0
    assert sorted(said.outcomes()) == [("unchanged", None), ("updated", None), ("updated", None)]
    assert not CatalogEntry.objects.filter(excluded_at__isnull=False).exists()
    assert manage("exclude_entries", "-n", "nobody*", "--json").json["results"] == []


def test_exclude_entries_dry_run(catalog):
    before = dump(), row_counts()
    said = manage("exclude_entries", "-t", "skill", "--dry-run", "--json")
    assert said.outcomes() == [("updated", None)] * 2
    assert (dump(), row_counts()) == before


@pytest.mark.parametrize("words", [(), ("1", "-t", "skill"), ("one",), ("--reason", "x")])
def test_exclude_entries_usage(catalog, words):
    assert manage("exclude_entries", *words).code == 2


def test_exclude_entries_with_too_long_a_reason(catalog):
    said = manage("exclude_entries", "-t", "skill", "--reason", "x" * 501, "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "invalid_parameter")])


# ---- detect


def test_detect_a_repository_and_its_folder_give_the_same_ids(repository, tmp_path):
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "--quiet", repository.path, work], check=True)
    plain = tmp_path / "plain"
    shutil.copytree(work, plain, ignore=shutil.ignore_patterns(".git"))
    before = row_counts()
    bare, tree, folder = (manage("detect", path, "--json") for path in (repository.path, work, plain))
    assert row_counts() == before
    assert {said.code for said in (bare, tree, folder)} == {0}
    assert bare.json == tree.json
    commit = run_git(["rev-parse", "main"], git_dir=repository.path, deadline_seconds=30).stdout.decode().strip()
    assert (bare.json["commit"], folder.json["commit"]) == (commit, None)
    assert folder.json["tree_oid"] == bare.json["tree_oid"]
    assert [(a["type"], a["path"], a["content_oid"]) for a in folder.json["artifacts"]] == [
        (a["type"], a["path"], a["content_oid"]) for a in bare.json["artifacts"]
    ]
    assert len(bare.json["artifacts"]) == 5
    wanted = {
        "type",
        "path",
        "name",
        "namespace",
        "confidence",
        "basis",
        "content_oid",
        "title",
        "description",
        "warnings",
    }
    assert wanted <= set(bare.json["artifacts"][0])


def test_detect_finds_what_a_scan_enters(source, repository):
    scan(source)
    found = {
        (a["type"], a["path"], a["content_oid"]) for a in manage("detect", repository.url, "--json").json["artifacts"]
    }
    assert found == set(source.entries.values_list("type", "path", "content_oid"))


def test_detect_at_a_ref_and_below_a_folder(repository):
    first = run_git(["rev-parse", "main"], git_dir=repository.path, deadline_seconds=30).stdout.decode().strip()
    repository.commit({"skills/beta/SKILL.md": None})
    paths = lambda *words: [a["path"] for a in manage("detect", *words, "--json").json["artifacts"]]  # noqa: E731
    assert paths(repository.path, "--root-hint", "skills") == ["skills/alpha", "skills/gamma"]
    assert len(paths(repository.path, "--ref", first)) == 5
    assert len(paths(repository.path, "--ref", "main")) == 4


@pytest.fixture
def tree_file(repository, tmp_path):
    """The repository's tree as GitHub answers it."""
    listed = run_git(["ls-tree", "-r", "-t", "main"], git_dir=repository.path, deadline_seconds=30).stdout.decode()
    oid = run_git(["rev-parse", "main^{tree}"], git_dir=repository.path, deadline_seconds=30).stdout.decode().strip()
    tree = []
    for line in listed.splitlines():
        mode, type_, sha, path = line.replace("\t", " ").split(" ", 3)
        tree.append({"path": path, "mode": mode, "type": type_, "sha": sha})
    path = tmp_path / "tree.json"
    path.write_text(json.dumps({"sha": oid, "tree": tree, "truncated": False}))
    return path


def test_detect_a_listing_plain_and_packed(tree_file, repository):
    packed = tree_file.with_suffix(".gz")
    packed.write_bytes(gzip.compress(tree_file.read_bytes()))
    plain, zipped = (manage("detect", "--tree", path, "--json") for path in (tree_file, packed))
    assert plain.json == zipped.json
    assert (plain.json["commit"], plain.json["complete"]) == (None, True)
    whole = manage("detect", repository.path, "--json").json
    assert plain.json["tree_oid"] == whole["tree_oid"]
    assert [(a["path"], a["content_oid"]) for a in plain.json["artifacts"]] == [
        (a["path"], a["content_oid"]) for a in whole["artifacts"]
    ]


def test_detect_a_truncated_listing_says_so(tree_file):
    body = json.loads(tree_file.read_text()) | {"truncated": True}
    tree_file.write_text(json.dumps(body))
    assert manage("detect", "--tree", tree_file, "--json").json["complete"] is False
    assert "incomplete" in manage("detect", "--tree", tree_file).out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("/no/such/folder",), "upstream_not_found"),
        (("https://evil.example/a/b",), "host_not_allowed"),
        (("nonsense",), "invalid_url"),
        (("--tree", "/no/such/file"), "path_not_allowed"),
        (("--tree", __file__), "upstream_invalid"),
        ((".", "--root-hint", "../x"), "invalid_parameter"),
    ],
)
def test_detect_fails_with_an_error_document(words, code):
    said = manage("detect", *words, "--json")
    assert said.code == 1
    assert said.json["error"]["code"] == code
    assert said.json.keys() == {"error"}
    people = manage("detect", *words)
    assert (people.code, people.out) == (1, "")
    assert people.err.startswith(code)


def test_detect_usage(tree_file):
    assert manage("detect").code == 2
    assert manage("detect", "acme/tools", "--tree", tree_file).code == 2


# ---- demo


def test_demo_tells_the_whole_story_and_can_be_told_again(settings):
    home = settings.SKILLMEAT_HOME
    projects = home.with_name(f"{home.name}-projects")
    settings.SKILLMEAT_LOCAL_SOURCE_ROOTS = [home / "sample"]
    settings.SKILLMEAT_PROJECT_ROOTS = [projects]
    for _ in range(2):
        said = manage("demo", "--json")
        assert said.code == 0
        first, second, taken, deployed, third, again, back, check, foreseen, synced, undone = said.json["results"]
        found = first["artifacts_found"]
        assert first["new_count"] == found > 10
        assert (second["unchanged_count"], second["short_circuit"]) == (found, "commit")
        assert taken["success_count"] == len(taken["entries"]) == 10
        assert deployed["summary"]["created"] == deployed["summary"]["total"] == 9
        # The skill whose script has changed; one moved, one came, one agent went.
        assert (third["updated_count"], third["new_count"], third["removed_count"]) == (2, 1, 1)
        assert [move["to"] for move in third["moved"]] == ["skills/office/spreadsheet"]
        assert (again["outcome"], again["deployments_restored"], again["local_changes"]) == ("updated", 1, False)
        assert "skills/pdf" in back["changed"]
        assert check["updates_available"] == 1
        assert (foreseen["dry_run"], synced["dry_run"]) == (True, False)
        assert foreseen["refreshed_count"] == synced["refreshed_count"] == 1
        assert "skills/pdf" in undone["changed"]
        types = set(CatalogEntry.objects.values_list("type", flat=True))
        assert types == {"marketplace", "plugin", "skill", "command", "agent", "hook", "mcp"}
        filled = "skills/pdf/scripts/fill.py"
        assert (projects / "scratch/.claude" / filled).read_text() == "print('filled, and checked')\n"
        assert (home / "collections/demo" / filled).read_text() == "print('filled')\n"
    assert Source.objects.count() == 1
    people = manage("demo")
    assert people.code == 0
    for step in (
        "1. Registered",
        "2. First scan",
        "4. Imported",
        "5. Deployed",
        "8. Re-imported",
        "9. Gone back",
        "Done.",
    ):
        assert step in people.out


def test_demo_of_a_repository(repository):
    said = manage("demo", repository.url, "--json")
    assert (said.code, len(said.json["results"])) == (0, 3)
    assert "SKILLMEAT_PROJECT_ROOTS" in manage("demo", repository.url).out


def test_demo_that_fails(tmp_path):
    said = manage("demo", tmp_path / "repos" / "missing", "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "upstream_not_found")])
    people = manage("demo", tmp_path / "repos" / "missing")
    assert people.code == 1
    assert "upstream_not_found" in people.err


# ---- hostile names


HOSTILE = "x\u202egnp\x1b[31m"


def test_hostile_names_are_printed_as_escapes(make_repository, tmp_path):
    """No name from upstream moves the cursor, changes a colour or turns the line around."""
    files = {
        f"skills/{HOSTILE}/SKILL.md": skill("a"),
        f".claude/commands/{HOSTILE}.md": "---\ndescription: x\n---\nx\n",
    }
    repository = make_repository(f"r\u202e{'y'}", files)
    said = [
        manage("add_source", repository.url, "--scan"),
        manage("list_sources"),
        manage("rescan", "--all", "--force"),
        manage("list_entries"),
        manage("exclude_entries", "-t", "command"),
        manage("detect", repository.path),
        manage("demo", repository.url),
        manage("rescan", "--all", "--async"),
    ]
    for one in said:
        assert one.code == 0, one
        assert "\u202e" not in one.out + one.err
        assert "\x1b" not in one.out + one.err
        assert "\\u202e" in one.out
    assert HOSTILE in "".join(row["path"] for row in manage("list_entries", "--json").json["results"])


def test_json_is_ascii_whatever_the_names(make_repository):
    source = create_source(
        url=make_repository("r", {f"skills/{HOSTILE}/SKILL.md": skill("ä")}).url, actor=COMMAND_LINE
    )
    assert manage("rescan", source.pk, "--json").out.isascii()
    assert manage("list_entries", "--json").out.isascii()
