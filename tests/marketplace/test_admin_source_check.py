"""A source is looked at before it is saved: what the button tells, what it leaves alone, and the rows of folders."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from marketplace.models import CatalogEntry, Manifest, Source
from marketplace.services import checking
from marketplace.services.checking import check_repository
from marketplace.services.folders import folders_of, matching, remembered_folders
from marketplace.services.rescan import ScanOptions, rescan_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.errors import UpstreamTimeout
from tests.factories.core import UserFactory
from tests.factories.marketplace import SourceFactory

pytestmark = pytest.mark.django_db
ADD = "/admin/marketplace/source/add/"
FOLDERS = "/admin/marketplace/source/folders/"


@pytest.fixture(autouse=True)
def forgotten():
    cache.clear()


def form(url, **more):
    return {"url": url, "provider": "auto", "trust_level": "basic", "enabled": "on", **more}


def change(source):
    return reverse("admin:marketplace_source_change", args=[source.pk])


def check(client, url, address=ADD, **more):
    answer = client.post(address, form(url, **more, _check="1"), headers={"Accept": "application/json"})
    assert answer.status_code == 200
    return answer.json()


def scan(source):
    rescan_source(source.pk, actor=COMMAND_LINE, options=ScanOptions(), report=SilentReport())
    source.refresh_from_db()
    return source


def test_what_a_scan_would_find_is_told_and_nothing_is_saved(admin_client, repository):
    found = check(admin_client, repository.url)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found["html"]))
    for words in ("It can be read, and holds 5 artifacts.", "3 skill", "1 command", "1 agent", "default branch main",
                  "read by git", "asked 3 calls of git", "Nothing was saved."):  # fmt: skip
        assert words in text, words
    assert not found["invalid"]
    assert not Source.objects.exists()
    assert not CatalogEntry.objects.exists()
    assert not Manifest.objects.exists()
    assert not Job.objects.exists()
    assert not AuditEvent.objects.exists()


def test_it_tells_what_the_scan_then_finds(source, repository):
    checked = check_repository(url=repository.url)
    scan(source)
    assert checked.counts == source.counts
    assert checked.total == CatalogEntry.objects.count()
    assert checked.commit == source.head_commit
    assert checked.known == source.pk
    assert checked.default_branch == "main"
    assert checked.asked.git >= 2
    assert checked.asked.api == 0


def test_without_scripts_the_page_comes_back_with_the_result_and_what_was_typed(admin_client, repository):
    answer = admin_client.post(ADD, form(repository.url, root_hint="skills", tags="one, two", _check="1"))
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "holds 3 artifacts" in shown
    assert 'value="skills"' in shown
    assert 'value="one, two"' in shown
    assert "Please correct" not in shown
    assert '<option value="skills/alpha">' in shown  # offered to choose from, at once
    assert not Source.objects.exists()


def test_the_folders_that_are_typed_count(admin_client, make_repository):
    repository = make_repository("odd", {"prompts/review.md": "Review $ARGUMENTS\n"})
    assert "nothing was found in it" in check(admin_client, repository.url)["html"]
    rows = {"manual_map-folder": ["prompts", ""], "manual_map-type": ["command", ""]}
    assert "holds 1 artifact." in check(admin_client, repository.url, **rows)["html"]


def test_a_mapped_folder_that_is_none_is_warned_of(admin_client, repository):
    found = check(admin_client, repository.url, **{"manual_map-folder": ["nowhere"], "manual_map-type": ["skill"]})
    assert "manual_map_unmatched" in found["html"]


@pytest.mark.parametrize(
    ("url", "code", "hint"),
    [
        ("https://elsewhere.example/a/b", "host_not_allowed", "SKILLMEAT_ALLOWED_HOSTS"),
        ("file:///etc", "path_not_allowed", "SKILLMEAT_LOCAL_SOURCE_ROOTS"),
        ("ftp://example.org/x", "invalid_url", "owner/name"),
        ("https://127.0.0.1/a/b", "host_not_allowed", "SKILLMEAT_ALLOWED_HOSTS"),
    ],
)
def test_what_registration_refuses_is_refused_and_says_what_to_do(admin_client, url, code, hint):
    html = check(admin_client, url)["html"]
    assert "It cannot be read." in html
    assert f"<code>{code}</code>" in html
    assert hint in html


def test_a_repository_that_is_not_there(admin_client, repository):
    assert "upstream_not_found" in check(admin_client, repository.url.replace("toolbox", "none"))["html"]
    assert "upstream_ref_not_found" in check(admin_client, repository.url, ref="no-such-branch")["html"]


def test_a_form_that_is_wrong_asks_nobody(admin_client, repository, monkeypatch):
    monkeypatch.setattr("marketplace.admin.source_check.check_repository", lambda **fields: pytest.fail("asked"))
    wrong = {"manual_map-folder": ["a", "a", "../x"], "manual_map-type": ["skill", "agent", "skill"]}
    assert check(admin_client, repository.url, **wrong)["invalid"]
    shown = admin_client.post(ADD, form(repository.url, **wrong, _check="1")).content.decode()
    assert "This folder has a row already." in shown
    assert "a folder inside the repository" in shown
    assert shown.count('aria-invalid="true"') == 2


def test_a_check_that_takes_too_long_is_given_up(repository):
    with pytest.raises(UpstreamTimeout):
        check_repository(url=repository.url, seconds=-1)


def test_the_clock_of_a_check():
    tick = checking._until(0)
    with pytest.raises(UpstreamTimeout):
        tick()


def test_an_empty_repository(admin_client, make_repository):
    html = check(admin_client, make_repository("empty").url)["html"]
    assert "nothing was found in it" in html
    assert "none yet: it is empty" in html


def test_what_is_registered_already_is_said(admin_client, source, repository):
    html = check(admin_client, repository.url)["html"]
    assert "It is registered already" in html
    assert change(source) in html
    own = check(admin_client, repository.url, address=change(source))["html"]
    assert "registered already" not in own


def test_who_may_not_add_may_not_check(client, source, repository):
    client.force_login(UserFactory(permissions=["marketplace.view_source"]))
    for address in (ADD, change(source)):
        assert client.post(address, form(repository.url, _check="1")).status_code == 403
        assert "_check" not in client.get(change(source)).content.decode()
    client.force_login(UserFactory(permissions=["marketplace.view_source", "marketplace.add_source"]))
    assert "holds 5 artifacts" in check(client, repository.url)["html"]
    assert client.get(FOLDERS).status_code == 200
    client.force_login(UserFactory(permissions=["marketplace.view_source"]))
    assert client.get(FOLDERS).status_code == 403


def test_a_forged_check_is_refused(repository, admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(ADD, form(repository.url, _check="1")).status_code == 403


def test_hostile_words_of_a_repository(admin_client, make_repository):
    name = "<script>alert(1)</script>"
    repository = make_repository("odd", {f"skills/{name}x/SKILL.md": "---\nname: [\n---\n"})
    html = check(
        admin_client, repository.url, **{"manual_map-folder": [f"{name}\u202e"], "manual_map-type": ["skill"]}
    )
    assert "<script>alert" not in html["html"]
    assert "\u202e" not in html["html"]


# Folders


def test_folders_are_found_while_somebody_types(admin_client, source):
    scan(source)
    cache.clear()
    offered = admin_client.get(FOLDERS, {"source": source.pk, "q": "alp"}).json()
    assert offered == {"folders": ["skills/alpha"], "detail": ""}
    assert "skills/alpha" in remembered_folders(source.tree_oid)


def test_folders_of_a_tree_that_was_just_looked_at(admin_client, repository):
    tree = check(admin_client, repository.url)["tree"]
    offered = admin_client.get(FOLDERS, {"tree": tree, "q": "skills/"}).json()["folders"]
    assert offered == ["skills/alpha", "skills/beta", "skills/gamma"]


def test_folders_of_what_was_never_scanned_or_is_gone(admin_client, source, repository):
    assert folders_of(source) == []
    SourceFactory(head_commit="a" * 40)
    gone = Source.objects.latest("pk")
    Source.objects.filter(pk=gone.pk).update(url=repository.url.replace("toolbox", "gone"))
    offered = admin_client.get(FOLDERS, {"source": gone.pk}).json()
    assert offered["folders"] == []
    assert offered["detail"]
    assert admin_client.get(FOLDERS, {"source": "x", "tree": "../../etc"}).json()["folders"] == []


def test_folders_of_a_source_are_for_who_may_look_at_it(client, source):
    scan(source)
    client.force_login(UserFactory(permissions=["marketplace.add_source"]))
    assert client.get(FOLDERS, {"source": source.pk}).json() == {"folders": [], "detail": ""}
    client.force_login(UserFactory(permissions=["marketplace.add_source", "marketplace.view_source"]))
    assert "skills/alpha" in client.get(FOLDERS, {"source": source.pk}).json()["folders"]


def test_folders_that_begin_with_it_come_first():
    folders = ["docs/skills", "skills", "skills/a"]
    assert matching(folders, "SKILLS") == ["skills", "skills/a", "docs/skills"]
    assert matching(folders, "", limit=2) == ["docs/skills", "skills"]
    assert matching(folders, "none") == []


# Rows


def saved(client, source, rows, **more):
    folders, types = zip(*rows, strict=True)
    body = form(source.url, **{"manual_map-folder": folders, "manual_map-type": types}, **more)
    answer = client.post(change(source), body)
    source.refresh_from_db()
    return answer


def test_rows_are_added_changed_and_cleared(admin_client, source):
    assert saved(admin_client, source, [("./prompts/", "command"), ("", ""), (".", "skill")]).status_code == 302
    assert source.manual_map == {"prompts": "command", ".": "skill"}
    shown = admin_client.get(change(source)).content.decode()
    assert re.search(r'value="prompts" list=', shown)
    assert shown.count('name="manual_map-folder"') == 5  # and three to be filled in
    saved(admin_client, source, [("", ""), ("prompts", "agent"), ("", "")])
    assert source.manual_map == {"prompts": "agent"}
    saved(admin_client, source, [("", "")])
    assert source.manual_map == {}


def test_a_map_that_is_not_touched_is_not_written(admin_client, source):
    saved(admin_client, source, [("prompts", "command")])
    AuditEvent.objects.all().delete()
    saved(admin_client, source, [("prompts", "command"), ("", "")], tags="new")
    assert [event.data for event in AuditEvent.objects.all()] == [{"fields": ["tags"]}]


def test_a_form_without_the_rows_leaves_the_map_alone(admin_client, source):
    saved(admin_client, source, [("prompts", "command")])
    assert admin_client.post(change(source), form(source.url, tags="new")).status_code == 302
    source.refresh_from_db()
    assert source.manual_map == {"prompts": "command"}
    assert source.tags == ["new"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("", "skill")], "Which folder?"),
        ([("a", "")], "Choose a type"),
        ([("a", "nonsense")], "There is no type"),
        ([("/etc", "skill")], "a folder inside the repository"),
        ([("a/../b", "skill")], "a folder inside the repository"),
        ([("a", "skill"), ("a/", "agent")], "This folder has a row already."),
        ([(f"f{n}", "skill") for n in range(201)], "At most 200 folders"),
    ],
)
def test_what_is_wrong_is_said_at_its_row(admin_client, source, rows, said):
    answer = saved(admin_client, source, rows)
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert said in shown
    assert source.manual_map == {}
    assert all(f'value="{folder}" list=' in shown for folder, _ in rows[:3] if folder)
