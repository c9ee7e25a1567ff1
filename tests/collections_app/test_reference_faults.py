"""Faults of the reference system's collections: which test finds each, and tests for those that no other finds.

Numbers are those of the list of its weaknesses, by their subject. "here" is this file, "-" does not apply.

Refresh (refresh/test_services_refreshing, whose tests are named fault_1 to fault_12)
 1 no snapshot   2 erased by nothing   3 unknown filter is none   4 untold fields   5 failed write   6 limit misread
 7 pins ignored  8 false updates       9 local edits unseen      10 sync is not     11 field names   12 file and record
Caches and projects
13 refresh reads its own rows     cache_app/test_refreshing: a_new_skill_on_the_disk_is_a_change
14 first 100 projects             cache_app/test_discovering: more_than_a_hundred_projects
15 type:name as key               cache_app/test_refreshing: the_same_skill_in_two_projects_is_two
16 removed never pruned, sleeps   cache_app/test_refreshing: what_is_gone_is_pruned, a_gone_folder_costs_no_time
17 the wrong row                  api/test_collections: refreshing_the_cache_counts_each_artifact_once
18 all skipped is a success       api/test_collections: refreshing_the_cache_counts_each_artifact_once
19 a path nobody reaches          cache_app/test_faces: status_is_no_id
20 schedules never started        cache_app/test_schedule; cache_app/test_refreshing: only_stale_projects_are_read
21 default instead of the active  core/test_telling_commands: a_changed_collection_is_told
22 status shows no update         refresh/test_command_refresh: check_only_tells_of_updates
Deployments and versions
23 outdated never computed        test_services_projects: drift_of_every_type_and_state
24 drift of skills only           test_services_projects: drift_of_every_type_and_state
25 looking writes                 test_services_projects: drift_writes_nothing
26 the new id is lost             here: after_a_sync_every_record_names_the_same_version
27 ambiguous hash                 here: content_ids_tell_where_a_name_ends
28 one row for equal content      here: equal_content_of_two_and_a_return_to_an_older_version
29 merge takes upstream           refresh/test_merging; services/test_snapshots: restoring_gives_back_every_byte
30 merge in place, I/O error      store/test_transaction: the_disk_is_full_in_the_middle; store/test_killed
31 deploy stops half way          test_services_deploying: one_that_fails_leaves_the_others_be; test_deploy_processes
32 bare names                     test_services_deploying: two_collections_with_one_name_do_not_mix
33 keep_deployments keeps nothing tests/marketplace/test_reimport_deployments
Atomicity
34 lost updates                   refresh/test_meanwhile; services/test_editing: an_edit_of_the_file_by_hand_...
35 restore removes first          services/test_snapshots: a_damaged_store_costs_nothing
36 written in place               store/test_killed; test_deploy_processes: killed_at_any_step_everything_is_old_or_new
37 tags committed before          api/test_collections: what_cannot_be_read_changes_no_row
38 snapshots without bound        services/test_snapshots: retention_bounds_the_snapshots
39 blocking coroutines            tests/marketplace/test_reference_faults: nothing_runs_in_an_event_loop
40 no record of a refresh         here: every_refresh_is_a_job_with_its_result
Performance
41 quadratic indexing             here: reading_a_collection_costs_the_same_statements_however_large
42 requests per artifact          refresh/test_limits: requests_grow_with_repositories; here, with 43
43 a clone per artifact           here: git_is_started_as_often_for_many_of_one_repository_as_for_one
44 staleness per project          here: the_state_of_the_cache_costs_the_same_however_many_projects
45 every record read for a page   here: the_list_of_projects_reads_no_record
46 search for a merge base        - each base has a ref of its own: store/test_history_merge: bases_outlive_...
Security
47 token in the clone URL         tests/marketplace/test_stored_tokens: it_is_in_no_argument_url_log_error_or_row
48 any path is a project          test_services_projects: what_is_no_project, without_roots_nothing_is_allowed
49 names of collections           services/test_snapshots: names_of_collections_and_snapshots_lead_nowhere_else
50 exceptions answered            here: no_error_of_a_deployment_...; api/test_collections: no_answer_names_a_path_...
51 links followed                 here: a_link_out_of_a_collection_is_not_deployed; services/test_snapshots
"""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cache_app.models import ProjectState
from collections_app.models import Collection, Deployment
from collections_app.services.homes import home
from collections_app.services.indexing import index_collection
from skillmeat_site.core.models import Job
from skillmeat_site.upstream.process import _Running
from tests.collections_app.deploying import RECORD
from tests.collections_app.filled import WHO, filled, folder_of, write
from tests.collections_app.refresh.refreshing import SYNC, artifact, check, folder, import_all, run, states
from tests.conftest import skill, skills
from tests.factories.deployments import put_artifact, put_project
from tests.marketplace.conftest import registered  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


def test_after_a_sync_every_record_names_the_same_version(registered):  # noqa: F811
    """8.3.26: the manifest kept the old id and the lock got the new one: an update for ever."""
    repository, source = registered(skills("alpha"))
    import_all(source)
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    assert states(check()) == {"alpha": "update_available"}
    run(**SYNC)
    oid = artifact("alpha").content_oid
    [record] = tomllib.loads((folder() / "collection.toml").read_text())["artifacts"]
    [lock] = tomllib.loads((folder() / "collection.lock").read_text())["lock"]["entries"].values()
    assert {record["content_oid"], record["base_oid"], lock["content_oid"], artifact("alpha").base_oid} == {oid}
    assert states(check()) == {"alpha": "in_sync"}


def test_equal_content_of_two_and_a_return_to_an_older_version(registered):  # noqa: F811
    """8.3.28: two artifacts of one content shared a row, and a revert to older content recorded nothing."""
    text = "---\ndescription: One\n---\n\nGo\n"
    repository, source = registered({"commands/a.md": text, "commands/b.md": text})
    import_all(source)
    first = artifact("a").content_oid
    assert artifact("b").content_oid == first
    repository.commit({"commands/a.md": text.replace("One", "Two")})
    run(**SYNC)
    assert artifact("a").content_oid != first
    assert artifact("b").content_oid == first
    repository.commit({"commands/a.md": text})
    assert states(check()) == {"a": "update_available", "b": "in_sync"}
    run(**SYNC)
    assert artifact("a").content_oid == first
    assert (folder() / "commands/a.md").read_text() == text


def test_content_ids_tell_where_a_name_ends():
    """8.3.27: ``{ab: c}`` and ``{a: bc}`` had one hash."""
    collection = filled(
        files={"skills/x/SKILL.md": "x", "skills/x/ab": "c", "skills/y/SKILL.md": "x", "skills/y/a": "bc"}
    )
    assert len(set(collection.artifacts.values_list("content_oid", flat=True))) == 2


def test_every_refresh_is_a_job_with_its_result(api, registered):  # noqa: F811
    """8.4.40: results stood in the answer only; nothing told of a refresh afterwards."""
    _, source = registered(skills("alpha"))
    import_all(source)
    kinds = {
        "/api/v1/user-collections/default/refresh": "collections.refresh",
        "/api/v1/user-collections/default/refresh-cache": "collections.index",
        "/api/v1/user-collections/refresh-cache": "collections.index_all",
        "/api/v1/cache/refresh": None,
        "/api/v1/projects/cache/refresh": None,
    }
    for url, kind in kinds.items():
        known = set(Job.objects.values_list("pk", flat=True))
        answer = api.post(url, {}, format="json")
        assert answer.status_code == 200, answer.content
        jobs = Job.objects.exclude(pk__in=known).filter(parent=None)
        assert [(job.status, job.result) for job in jobs] == [("succeeded", answer.json())]
        assert kind in (None, jobs[0].kind)


def _statements(action):
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)


def test_reading_a_collection_costs_the_same_statements_however_large():
    """8.5.41: a SELECT per row, a transaction per artifact and a copy of the whole collection for each."""
    counts = []
    for slug, number in (("small", 4), ("large", 40)):
        files = {f"skills/s{n}/SKILL.md": skill(f"s{n}") for n in range(number)}
        collection = filled(slug, files)
        write(folder_of(collection), {path: text + "edited" for path, text in files.items()})
        counts.append(_statements(lambda slug=slug: index_collection(slug, **WHO)))
    assert counts[0] == counts[1]


def test_git_is_started_as_often_for_many_of_one_repository_as_for_one(registered, monkeypatch):  # noqa: F811
    """8.5.42 and 43: two requests and one clone for each artifact of a repository."""
    started = []
    original = _Running.__init__

    def seen(self, args, *more, **options):
        started.append(args)
        original(self, args, *more, **options)

    monkeypatch.setattr(_Running, "__init__", seen)
    counts = []
    for number in (1, 12):
        Collection.objects.all().delete()
        shutil.rmtree(home().collection("default"), ignore_errors=True)
        repository, source = registered(skills(*(f"s{n}" for n in range(number))), f"of{number}")
        import_all(source)
        repository.commit({f"skills/s{n}/SKILL.md": skill(f"s{n}", "New") for n in range(number)})
        started.clear()
        assert set(states(check()).values()) == {"update_available"}
        counts.append(len(started))
    assert counts[0] == counts[1]


def test_the_state_of_the_cache_costs_the_same_however_many_projects(api, roots):
    """8.5.44: one load of a whole project for each, and again for the answer."""
    counts = []
    for number in (3, 30):
        for n in range(number):
            ProjectState.objects.get_or_create(
                project=put_project(roots, f"p{number}-{n}"), defaults={"fetched_at": timezone.now()}
            )
        api.get("/api/v1/cache/status")
        counts.append(_statements(lambda: api.get("/api/v1/cache/status")))
    assert counts[0] == counts[1]


def test_the_list_of_projects_reads_no_record(api, roots):
    """8.5.45: the records of all projects were read from disk for one page."""
    projects = [put_project(roots, f"p{n}") for n in range(3)]
    before = api.get("/api/v1/projects").json()
    assert len(before["results"]) == 3
    for one in projects:
        write(Path(one.path), {RECORD: "x = ["})
    assert api.get("/api/v1/projects").json() == before


@pytest.mark.parametrize("wrong", ["source", "record", "settings", "project"])
def test_no_error_of_a_deployment_names_a_path_of_ours(api, project, settings, wrong):
    """8.6.50 and 7.41: exceptions were answered with paths and SQL."""
    kind = "mcp" if wrong == "settings" else "skill"
    content = {"SKILL.md": "x"} if kind == "skill" else json.dumps({"mcpServers": {"a": {"command": "x"}}})
    row = put_artifact(kind, "a", content)
    if wrong == "source":
        shutil.rmtree(home().collection("default"))
    elif wrong == "record":
        write(Path(project.path), {RECORD: "x = ["})
    elif wrong == "settings":
        write(Path(project.path), {".mcp.json": "{"})
    else:
        shutil.rmtree(project.path)
    answer = api.post("/api/v1/deployments", {"artifact": str(row.pk), "project": project.pk}, format="json")
    assert 400 <= answer.status_code < 500, answer.content
    told = answer.content.decode() + str(list(Job.objects.values_list("error_detail", "result")))
    assert answer.json()["code"]
    for secret in (str(settings.SKILLMEAT_HOME), "Traceback", "SELECT "):
        assert secret not in told
    assert not Deployment.objects.exists()


def test_a_link_out_of_a_collection_is_not_deployed(api, project, tmp_path):
    """8.6.51: links of fetched repositories were followed, and what they led to was copied in."""
    (tmp_path / "secret").write_text("secret")
    collection = filled(files={"skills/a/SKILL.md": "x"})
    write(folder_of(collection), {"skills/a/out": f"->{tmp_path / 'secret'}"})
    row = collection.artifacts.get()
    answer = api.post("/api/v1/deployments", {"artifact": str(row.pk), "project": project.pk}, format="json")
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "unsafe_link"
    assert not [path for path in Path(project.path).rglob("*") if path.is_file()]
