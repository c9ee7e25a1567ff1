"""Faults of the reference system's marketplace: which test finds each, and tests for those that no other finds.

Numbers are those of the list of its weaknesses, by their subject. "here" is this file, "-" does not apply.

Correctness
 1 failed scan wipes              test_services_rescan_failures: unreachable_host, repository_gone
 2 truncated tree removes         hostile/test_trees: a_truncated_tree_removes_nothing_and_says_so
 3 re-import deletes first        imports/test_reimporting: removed_upstream_touches_nothing
 4 limit taken for an empty tree  upstream/test_github_faults; test_limits: a_limit_says_nothing_of_the_source
 5 failed download is a success   imports/test_interruptions: what_was_read_before_is_installed_and_the_rest_says_why
 6 partial folder stays           imports/test_interruptions: an_interrupted_import_is_undone_or_whole_at_every_step
 7 imports cannot be synced       here: what_was_imported_can_be_synced
 8 any push is an update          imports/test_news: a_change_upstream_is_told_to_entry_artifact_and_result
 9 decisions on tags overwritten  test_tags_scan: a_tag_goes_with_its_last_entry_and_comes_back_as_decided
10 removed and back               imports/test_news: gone_and_back; test_services_rescan: no_scan_touches_a_...
11 duplicates never come back     test_services_rescan_duplicates: when_the_winner_vanishes_the_loser_stands_alone
12 two rows mapped to one         domain/test_scan_plan: moves_are_one_to_one_and_keep_type_and_content
13 heads keyed by name            here: each_of_one_name_has_its_own_description
14 nulls after a failed clone     hostile/test_documents: what_cannot_be_read_is_not_taken_for_gone
15 first scan of another branch   here: a_first_scan_reads_the_default_branch_whatever_its_name
16 accepted and ignored           here: a_source_is_created_with_all_it_accepts
17 .git cut anywhere              test_services_sources: github_io_is_no_suffix_to_cut
18 every .md a child              domain/test_content_rules: what_lies_inside_a_skill_is_the_skills
19 a single mcp server            here: a_single_server_is_imported
20 layouts not detected           domain/test_corpus: every_certain_artifact_is_found
21 rename breaks the link         imports/test_importing: a_renamed_import_re_imports_into_itself
22 file tree ignores the ref      imports/test_api: files_and_diff
23 limit is 500                   here: a_limit_is_told_with_its_reset_and_never_as_500; test_limits
24 pages skip and repeat          test_api_entries: the_cursor_walks_over_every_entry_once_and_back
25 two spellings of a type        here: types_have_one_spelling
Search
26 no triggers                    test_search: the_index_follows_every_way_of_writing
27 query syntax                   domain/test_search: no_word_holds_what_an_index_would_read_as_syntax
28 names are not found            test_search: every_scanned_row_has_its_words
Performance
29 blocking coroutines            here: nothing_runs_in_an_event_loop
30 network in a transaction       tests/conftest: no_upstream_in_transaction, in every test
31 requests per file              imports/test_coordinator: over_http_one_batch_is_few_requests
32 no short cut                   test_services_rescan: the_same_commit_is_not_scanned_again
33 lists load everything          architecture/test_query_counts; imports/test_coordinator: what_an_import_costs
34 a counter that stays 0         - no such counter; quotas: test_providers: what_is_left_of_the_quota_is_logged_...
35 tables made per instance       - migrations; locks: e2e/test_writers: a_large_scan_among_six_writers
36 no lease                       e2e/test_concurrency; test_services_rescan_guard: an_interval_set_during_the_scan_...
Security
37 token in the URL               test_stored_tokens: it_is_in_no_argument_url_log_error_or_row
38 links followed                 hostile/test_trees: links_that_lead_in_circles_or_out_are_told_and_not_followed
39 options as refs                hostile/test_addresses: a_ref_that_is_an_option_or_none
40 names that lead out            collections_app/domain/test_names: a_name_that_passes_is_safe_and_comes_back
41 exceptions answered            here: no_error_names_a_path_or_a_secret
42 no limits                      imports/test_interruptions: limits
43 links in circles               collections_app/store/test_content_ids: links_that_leave_or_go_round

Re-import and import step by step: imports/test_reimporting, test_importing, test_interruptions, test_rivals.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings as project_settings

from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import Job, JobItem
from tests.conftest import skill, skills
from tests.fakes.git_http import status
from tests.marketplace.answers import BASE, ok, refused
from tests.marketplace.imports.importing import agree, artifact, bring, entry, folder, git, ids, on_disk
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db
COLLECTION = "/api/v1/user-collections/default"
SERVERS = json.dumps({"mcpServers": {"files": {"command": "npx", "args": ["-y", "files"]}}})
TOKEN = "ghp_secretsecretsecretsecretsecret0123"


def test_what_was_imported_can_be_synced(api, registered):
    """7.7: no imported artifact could be synced, since its origin was never the one that syncing asks for."""
    repository, source = registered(skills("a"))
    bring(source)
    repository.commit({"skills/a/SKILL.md": skill("a", "New")})
    told = ok(api.post(f"{COLLECTION}/refresh", {"mode": "sync"}, format="json"))
    assert told["refreshed_count"] == 1
    assert "New" in (folder() / "skills/a/SKILL.md").read_text()
    scan(source)
    assert entry(source, "skills/a").status == "imported"
    assert not ok(api.get(f"{BASE}/entries?update_available=true"))["results"]


def test_each_of_one_name_has_its_own_description(registered):
    """7.13: heads were kept by name, and those of one name got each other's."""
    _, source = registered({f"{place}/skills/x/SKILL.md": skill("x", f"Of {place}") for place in ("a", "b")})
    assert dict(source.entries.values_list("path", "description")) == {"a/skills/x": "Of a", "b/skills/x": "Of b"}


def test_a_first_scan_reads_the_default_branch_whatever_its_name(make_repository):
    """7.15: the first scan of a repository without ``main`` asked for ``main`` all the same."""
    repository = make_repository("old", skills("a"))
    git(repository, "branch", "-m", "main", "master")
    git(repository, "symbolic-ref", "HEAD", "refs/heads/master")
    source = create_source(url=repository.url, actor=COMMAND_LINE)
    assert scan(source).counters.new == 1
    assert entry(source, "skills/a").description == "Does things"
    bring(source)
    assert artifact("a").base_commit == git(repository, "rev-parse", "master")


def test_a_source_is_created_with_all_it_accepts(api, make_repository):
    """7.16: creating with a manual_map could not work; other fields were accepted and ignored."""
    repository = make_repository(
        "toolbox", {**skills("a"), "kit/prompts/one.md": "Do one", "kit/x/SKILL.md": skill("x")}
    )
    body = {
        "url": repository.url, "ref": "main", "root_hint": "kit", "manual_map": {"kit/prompts": "command"},
        "tags": ["web"], "trust_level": "verified", "enabled": False, "scan_interval": 60,
    }  # fmt: skip
    told = ok(api.post(f"{BASE}/sources", {**body, "scan": True}, format="json"), 201)
    assert {name: told[name] for name in body} == body
    assert told["scan"]["new_count"] == 2
    source = Source.objects.get()
    assert {(row.type, row.name, row.manual) for row in source.entries.all()} == {
        ("command", "one", True),
        ("skill", "x", False),
    }


def test_a_single_server_is_imported(api, make_repository):
    """7.19: a source that is one server failed after its files were written, and was never marked as imported."""
    repository = make_repository("files", {".mcp.json": SERVERS, "README.md": "x"})
    body = {"url": repository.url, "single_artifact_type": "mcp", "scan": True}
    source = Source.objects.get(pk=ok(api.post(f"{BASE}/sources", body, format="json"), 201)["id"])
    told = ok(api.post(f"{BASE}/sources/{source.pk}/import", {"ids": ids(source)}, format="json"))
    assert (told["success_count"], told["error_count"]) == (1, 0)
    assert entry(source, source.entries.get().path).status == "imported"
    assert artifact(told["entries"][0]["name"], "mcp").content_oid
    assert on_disk()
    agree()


@pytest.mark.parametrize("path", ["import", "reimport", "bulk-import", "bulk-reimport", "refresh"])
def test_a_limit_is_told_with_its_reset_and_never_as_500(api, hub, on_github, settings, path):
    """7.23: the handlers caught another class than was raised; the time to wait was never found."""
    settings.GITHUB_TOKEN = TOKEN
    on_github(skills("a"))
    source = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    scan(source)
    (pk,) = ids(source)
    if "re" in path:
        bring(source)
    before = on_disk()
    shutil.rmtree(settings.SKILLMEAT_MIRRORS, ignore_errors=True)
    hub.always("", status(429, "{}", Retry_After="600"))
    url, body = {
        "import": (f"{BASE}/sources/{source.pk}/import", {"ids": [pk]}),
        "reimport": (f"{BASE}/entries/{pk}/reimport", {}),
        "bulk-import": (f"{BASE}/entries/bulk-import", {"ids": [pk]}),
        "bulk-reimport": (f"{BASE}/entries/bulk-reimport", {"ids": [pk]}),
        "refresh": (f"{COLLECTION}/refresh", {}),
    }[path]
    answer = api.post(url, body, format="json")
    job = Job.objects.latest("created_at")
    assert "upstream_rate_limited" in answer.content.decode(), answer.content
    if answer.status_code == 200:  # rows tell it
        rows = answer.json().get("results") or answer.json()["details"]
        assert re.search(r"reset at \d{4}-\d\d-\d\dT", str(rows)), rows
        assert answer.json()["summary"]["deferred"] == 1
    else:
        refused(answer, 503, "upstream_rate_limited")
        assert 0 < int(answer["Retry-After"]) <= 600
    assert job.status == "partial"
    assert on_disk() == before


def test_types_have_one_spelling(api, registered):
    """7.25: filters were documented as ``mcp-server`` and stored as ``mcp``, and found nothing."""
    registered({".mcp.json": SERVERS, **skills("a")})
    assert [row["type"] for row in ok(api.get(f"{BASE}/entries?type=mcp"))["results"]] == ["mcp"]
    told = refused(api.get(f"{BASE}/entries?type=mcp-server"), 400, "invalid_parameter")
    assert "mcp" in str(told["errors"])


def test_nothing_runs_in_an_event_loop():
    """7.29 and 8.4.39: coroutines that block, so that one scan stopped every other answer."""
    rooms = ("marketplace", "collections_app", "cache_app", "skillmeat_site")
    files = [path for room in rooms for path in (Path(project_settings.BASE_DIR) / room).rglob("*.py")]
    assert files
    for path in files:
        kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncWith)
        assert not [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)], path


@pytest.mark.parametrize("path", ["import", "reimport", "bulk-import", "bulk-reimport", "refresh"])
@pytest.mark.parametrize("wrong", ["upstream", "manifest", "disk"])
def test_no_error_names_a_path_or_a_secret(api, registered, settings, path, wrong):
    """7.41 and 8.6.50: texts of exceptions were answered, with paths and SQL."""
    settings.GITHUB_TOKEN = TOKEN
    repository, source = registered(skills("a"))
    (pk,) = ids(source)
    bring(source)
    if wrong == "upstream":
        shutil.rmtree(repository.path)
        shutil.rmtree(settings.SKILLMEAT_MIRRORS, ignore_errors=True)
    elif wrong == "manifest":
        (folder() / "collection.toml").write_text(f"x = [ # {TOKEN}")
    else:
        shutil.rmtree(folder())
        folder().write_text("no folder")
    url, body = {
        "import": (f"{BASE}/sources/{source.pk}/import", {"ids": [pk], "strategy": "overwrite"}),
        "reimport": (f"{BASE}/entries/{pk}/reimport", {}),
        "bulk-import": (f"{BASE}/entries/bulk-import", {"ids": [pk], "strategy": "overwrite"}),
        "bulk-reimport": (f"{BASE}/entries/bulk-reimport", {"ids": [pk]}),
        "refresh": (f"{COLLECTION}/refresh", {"mode": "sync"}),
    }[path]
    answer = api.post(url, body, format="json")
    rows = [
        *Job.objects.values_list("error_code", "error_detail", "result"),
        *JobItem.objects.values_list("detail", "code"),
    ]
    told = answer.content.decode() + str(rows)
    assert '"code"' in told
    for secret in (TOKEN, str(settings.SKILLMEAT_HOME), str(settings.SKILLMEAT_MIRRORS), "Traceback", "SELECT "):
        assert secret not in told
