"""The confirmation page: what is frozen, what is said of it, and what it takes to have it done, once."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from collections_app.models import Artifact, Collection
from marketplace.models import CatalogEntry, Source
from marketplace.querysets import EntryQuerySet
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job, JobItem, Selection
from skillmeat_site.core.results import JobStatus
from tests.admin.choosing import changelist, choose_all, confirmed, outcomes, page, work
from tests.conftest import skill, skills
from tests.factories.collections import CollectionFactory, SnapshotFactory
from tests.factories.core import UserFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory
from tests.marketplace.conftest import registered  # noqa: F401 - a fixture
from tests.marketplace.imports.importing import bring, ids
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db
EXCLUDE = ("marketplace.view_catalogentry", "marketplace.change_catalogentry")


def token(shown):
    return re.search(r'name="shown" value="([\w.-]*)"', shown)[1]


def counts(shown):
    """The lines of the plan: text → number."""
    return {
        unescape(text.strip()): int(number)
        for number, text in re.findall(r'<li class="sm-fate[^>]*><strong>(\d+)</strong>([^<]*)</li>', shown)
    }


def rows(shown):
    """The names on this page of the plan."""
    body = shown.partition('<table class="sm-rows">')[2].partition("</table>")[0]
    return re.findall(r"<tr>\s*<td><bdi>(?:<a[^>]*>)?([^<]*)", body)


def test_options_decide_the_plan(admin_client, registered):  # noqa: F811 - the fixture
    _, source = registered(skills("a", "b", "c"))
    bring(source, ids(source)[:1])
    confirm = choose_all(admin_client, CatalogEntry, "import")
    shown = page(admin_client, confirm)
    assert counts(shown) == {"will be created": 2, "will be skipped": 1}
    assert "name_taken" in shown
    answer = admin_client.post(confirm, {"collection": "default", "strategy": "overwrite", "preview": "1"})
    assert answer["Location"].startswith(confirm)
    assert parse_qs(urlsplit(answer["Location"]).query)["strategy"] == ["overwrite"]
    shown = page(admin_client, answer["Location"])
    assert counts(shown) == {"will be created": 2, "will be changed": 1}
    assert '<option value="overwrite" selected>' in shown
    assert counts(page(admin_client, f"{confirm}?options=1&collection=other&strategy=skip")) == {"will be created": 3}
    assert not Job.objects.exists()
    assert Artifact.objects.count() == 1


def test_wrong_options_are_told_and_plan_nothing(admin_client, registered):  # noqa: F811 - the fixture
    registered(skills("a"))
    confirm = choose_all(admin_client, CatalogEntry, "import")
    answer = admin_client.post(confirm, {"collection": "../x", "strategy": "skip", "preview": "1"})
    shown = page(admin_client, answer["Location"])
    assert "errorlist" in shown
    assert "Fill in the options" in shown
    assert "errorlist" in admin_client.post(confirm, {"collection": "../x", "strategy": "skip"}).content.decode()
    assert not Job.objects.exists()


def test_what_is_done_is_what_was_shown(admin_client, registered):  # noqa: F811 - the fixture
    """Options that were changed after the plan was made show their own plan first, where it is another one."""
    _, source = registered(skills("a"))
    bring(source)
    confirm = choose_all(admin_client, CatalogEntry, "import")
    seen = token(page(admin_client, confirm))
    changed = {"collection": "other", "strategy": "skip", "shown": seen}
    assert counts(page(admin_client, confirm)) == {"will be skipped": 1}
    answer = admin_client.post(confirm, changed)
    assert not Job.objects.exists()
    shown = page(admin_client, answer["Location"])
    assert "nothing was done yet" in shown
    assert 'value="other"' in shown
    confirmed(admin_client, confirm, {**changed, "shown": token(shown)})
    assert set(Collection.objects.values_list("slug", flat=True)) == {"default", "other"}


def test_other_options_that_come_to_the_same_are_no_surprise(admin_client):
    CatalogEntryFactory()
    confirm = choose_all(admin_client, CatalogEntry, "exclude")
    seen = token(page(admin_client, confirm))
    job = confirmed(admin_client, confirm, {"reason": "typed after the plan was shown", "shown": seen})
    assert outcomes(job) == {"updated": 1}


def test_the_estimate_says_so_and_the_exact_plan_is_a_job(admin_client, registered):  # noqa: F811 - the fixture
    """A hook that needs its plugin shows only in its content."""
    plugin = '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "${CLAUDE_PLUGIN_ROOT}/x"}]}]}}'
    registered({**skills("a"), ".claude/hooks/guard.json": plugin})
    confirm = choose_all(admin_client, CatalogEntry, "import")
    shown = page(admin_client, confirm)
    assert "estimate" in shown
    assert counts(shown) == {"will be created": 2}
    options = {"collection": "default", "strategy": "skip"}
    for _ in range(2):  # a double click
        answer = admin_client.post(confirm, {**options, "plan": "1"})
        assert answer["Location"].startswith(confirm)
    job = Job.objects.get()
    assert (job.kind, job.label) == ("core.plan", "Plan: Import 2 entries into default")
    waiting = page(admin_client, answer["Location"])
    assert "being worked out" in waiting
    assert "data-waits" in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    work()
    assert not Artifact.objects.exists()
    shown = page(admin_client, answer["Location"])
    assert "exact" in shown
    assert counts(shown) == {"will be created": 1, "cannot be done": 1}
    assert "needs_plugin" in shown
    assert rows(page(admin_client, f"{answer['Location']}&fate=failed")) == ["hook:guard"]
    # It is of these options, and of no others.
    assert counts(page(admin_client, f"{confirm}?options=1&collection=other&strategy=skip")) == {"will be created": 2}
    done = confirmed(admin_client, confirm, options)
    assert outcomes(done) == {"created": 1, "failed": 1}
    assert str(done.pk) in confirm


def test_a_plan_that_nobody_waits_for_is_stopped(admin_client, registered):  # noqa: F811 - the fixture
    """Other options, or the deed itself, take the place of what a worker has not begun."""
    registered(skills("a"))
    confirm = choose_all(admin_client, CatalogEntry, "import")
    for slug in ("one", "two"):
        admin_client.post(confirm, {"collection": slug, "strategy": "skip", "plan": "1"})
    statuses = Job.objects.order_by("created_at").values_list("status", flat=True)
    assert list(statuses) == [JobStatus.CANCELLED, JobStatus.QUEUED]
    confirmed(admin_client, confirm, {"collection": "two", "strategy": "skip"})
    assert list(statuses.all()) == [JobStatus.CANCELLED, JobStatus.CANCELLED, JobStatus.SUCCEEDED]


def test_names_of_any_length_and_kind(admin_client):
    """Ten thousand characters, markup and what turns a line around: on the page, and on the job's."""
    source = SourceFactory()
    CatalogEntryFactory(source=source, name="n" * 200, path="x" * 900)
    hostile = "<img src=x onerror=alert(1)>\u202e"
    CatalogEntryFactory(source=source, name=hostile, path="p")
    for action in ("import", "exclude"):
        confirm = choose_all(admin_client, CatalogEntry, action)
        shown = page(admin_client, confirm)
        assert "<img src=x" not in shown
        assert "\u202e" not in shown
        assert len(rows(shown)) == 2
    job = confirmed(admin_client, confirm, {"reason": "r" * 500})
    JobItem.objects.filter(job=job).update(message="m" * 10_000)
    shown = page(admin_client, reverse("admin:core_job_change", args=[job.pk]))
    assert "<img src=x" not in shown
    assert len(shown) < 60_000


def test_an_exact_plan_that_fails_leaves_the_estimate(admin_client, registered, monkeypatch):  # noqa: F811
    repository, _ = registered(skills("a"))
    confirm = choose_all(admin_client, Source, "rescan")
    again = admin_client.post(confirm, {"plan": "1"})["Location"]
    Job.objects.update(params={"kind": "marketplace.no_such_job", "params": {}})
    work()
    shown = page(admin_client, again)
    assert "could not be worked out" in shown
    assert "not_found" in shown
    assert counts(shown) == {"will be scanned": 1}
    assert repository.path.exists()


def test_a_dry_run_of_a_scan_as_the_exact_plan(admin_client, registered):  # noqa: F811 - the fixture
    repository, source = registered(skills("a"))
    SourceFactory(url=repository.url.replace("toolbox", "gone"))
    repository.commit({"skills/b/SKILL.md": skill("b")})
    confirm = choose_all(admin_client, Source, "rescan")
    again = admin_client.post(confirm, {"plan": "1"})["Location"]
    work()
    shown = page(admin_client, again)
    assert counts(shown) == {"will be changed": 1, "cannot be done": 1}
    assert source.entries.count() == 1
    assert Job.objects.get().status == JobStatus.SUCCEEDED


def test_rows_are_paged_and_filtered(admin_client):
    source = SourceFactory()
    CatalogEntryFactory.create_batch(60, source=source)
    CatalogEntryFactory.create_batch(3, source=source, excluded=True)
    confirm = choose_all(admin_client, CatalogEntry, "exclude", "?show=all")
    first = page(admin_client, f"{confirm}?options=1&reason=")
    assert counts(first) == {"will be changed": 63}  # those that have a reason lose it
    assert len(rows(first)) == 50
    second = page(admin_client, f"{confirm}?options=1&reason=&page=2")
    assert len(rows(second)) == 13
    assert not set(rows(first)) & set(rows(second))
    one = CatalogEntry.objects.get(name=rows(second)[0].partition(":")[2])
    assert reverse("admin:marketplace_catalogentry_change", args=[one.pk]) in second
    restore = choose_all(admin_client, CatalogEntry, "restore", "?show=all")
    assert counts(page(admin_client, restore)) == {"will be changed": 3, "are so already": 60}
    assert len(rows(page(admin_client, f"{restore}?fate=updated"))) == 3
    assert len(rows(page(admin_client, f"{restore}?fate=strange&page=x"))) == 50


def test_gone_rows_are_counted_and_told(admin_client):
    source = SourceFactory()
    _, *lost = CatalogEntryFactory.create_batch(3, source=source)
    confirm = choose_all(admin_client, CatalogEntry, "exclude")
    CatalogEntry.objects.filter(pk__in=[row.pk for row in lost]).delete()
    shown = page(admin_client, confirm)
    assert "<strong>3</strong> selected" in shown
    assert list(counts(shown).values()) == [1, 2]
    assert len(rows(page(admin_client, f"{confirm}?fate=gone"))) == 2
    job = confirmed(admin_client, confirm, {"reason": ""})
    assert outcomes(job) == {"updated": 1, "failed": 2}
    assert set(job.items.filter(outcome="failed").values_list("code", flat=True)) == {"not_found"}


def test_gone_collections_are_told_by_name(admin_client):
    for slug in ("one", "two"):
        CollectionFactory(slug=slug)
    confirm = choose_all(admin_client, Collection, "snapshot")
    Collection.objects.filter(slug="two").delete()
    assert "<strong>1</strong> are gone" in page(admin_client, confirm)
    job = confirmed(admin_client, confirm, {"reason": ""})
    assert job.items.get(object_id="two").code == "not_found"


def test_a_filter_that_changes_meanwhile_changes_nothing_of_the_selection(admin_client):
    """Rows that no longer match, rows that match only now, and another list open beside it."""
    source = SourceFactory()
    chosen = CatalogEntryFactory.create_batch(2, source=source, type="command")
    confirm = choose_all(admin_client, CatalogEntry, "exclude", "?type=command")
    CatalogEntry.objects.filter(pk=chosen[0].pk).update(type="agent")
    late = CatalogEntryFactory(source=source, type="command")
    page(admin_client, changelist(CatalogEntry) + "?type=agent")
    assert outcomes(confirmed(admin_client, confirm, {"reason": ""})) == {"updated": 2}
    late.refresh_from_db()
    assert late.excluded_at is None


def test_what_a_user_may_not_see_any_more_is_left_out(client, monkeypatch):
    user = UserFactory(permissions=EXCLUDE)
    client.force_login(user)
    mine, hidden = CatalogEntryFactory.create_batch(2, source=SourceFactory())
    confirm = choose_all(client, CatalogEntry, "exclude")
    monkeypatch.setattr(EntryQuerySet, "for_user", lambda rows, who: rows.exclude(pk=hidden.pk))
    shown = page(client, confirm)
    assert "<strong>1</strong> are blocked by permission" in shown
    assert str(hidden) not in shown
    job = confirmed(client, confirm, {"reason": ""})
    assert job.params["ids"] == [mine.pk]
    assert "1 object was left out" in client.get(changelist(CatalogEntry)).content.decode()
    hidden.refresh_from_db()
    assert hidden.excluded_at is None


def test_nothing_is_done_where_all_is_hidden(client, monkeypatch):
    client.force_login(UserFactory(permissions=EXCLUDE))
    CatalogEntryFactory()
    confirm = choose_all(client, CatalogEntry, "exclude")
    monkeypatch.setattr(EntryQuerySet, "for_user", lambda rows, who: rows.none())
    answer = client.post(confirm, {"reason": ""}, follow=True)
    assert "Nothing was done" in answer.content.decode()
    assert not Job.objects.exists()


def test_a_selection_is_its_owners_alone(admin_client, client):
    CatalogEntryFactory()
    confirm = choose_all(admin_client, CatalogEntry, "exclude")
    other = Client()
    other.force_login(UserFactory(permissions=EXCLUDE))
    assert other.get(confirm).status_code == 404
    assert other.post(confirm, {"reason": ""}).status_code == 404
    confirmed(admin_client, confirm, {"reason": ""})
    assert other.get(confirm).status_code == 404


def test_a_forged_post_is_refused(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    CatalogEntryFactory()
    form = page(client, changelist(CatalogEntry))
    secret = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
    body = {"action": "exclude", "_selected_action": [CatalogEntry.objects.get().pk], "csrfmiddlewaretoken": secret}
    confirm = client.post(changelist(CatalogEntry), body)["Location"]
    for forged in ({"reason": ""}, {"reason": "", "plan": "1"}, {"reason": "", "preview": "1"}):
        assert client.post(confirm, forged).status_code == 403
    assert not Job.objects.exists()
    assert (
        "csrfmiddlewaretoken"
        not in client.post(confirm, {"reason": "", "preview": "1", "csrfmiddlewaretoken": secret})["Location"]
    )


def test_an_expired_session_leads_to_the_login_and_back(admin_client, admin_user):
    CatalogEntryFactory()
    confirm = choose_all(admin_client, CatalogEntry, "exclude")
    admin_client.logout()
    for answer in (admin_client.get(confirm), admin_client.post(confirm, {"reason": ""})):
        assert answer["Location"] == f"{reverse('admin:login')}?next={confirm}"
    assert not Job.objects.exists()
    admin_client.force_login(admin_user)
    assert counts(page(admin_client, confirm)) == {"will be changed": 1}


def test_the_back_button_leads_to_the_job(admin_client):
    """After it has run, the confirmation is no form any more: neither GET nor POST, with whatever options."""
    CatalogEntryFactory()
    confirm = choose_all(admin_client, CatalogEntry, "exclude")
    landed = admin_client.post(confirm, {"reason": "first"})["Location"]
    assert admin_client.get(f"{confirm}?options=1&reason=second")["Location"] == landed
    for again in ({"reason": "second"}, {"reason": "second", "plan": "1"}, {"reason": "second", "preview": "1"}):
        assert admin_client.post(confirm, again)["Location"] == landed
    assert Job.objects.count() == 1
    assert Selection.objects.get().ids == []


def test_without_the_permission_nothing_is_planned(client):
    user = UserFactory(permissions=["marketplace.view_source", "marketplace.rescan_source"])
    client.force_login(user)
    SourceFactory()
    confirm = choose_all(client, Source, "rescan")
    user.user_permissions.clear()
    for answer in (client.get(confirm), client.post(confirm, {"plan": "1"}), client.post(confirm)):
        assert answer.status_code == 403
    assert not Job.objects.exists()


def test_who_may_not_look_at_the_rows_is_led_to_no_confirmation(client):
    """The page would tell their names, and what is in them."""
    user = UserFactory(permissions=["collections_app.change_collection", "collections_app.view_snapshot"])
    client.force_login(user)
    button = reverse("admin:collections_app_snapshot_do", args=[SnapshotFactory().pk, "restore"])
    confirm = client.get(button)["Location"]
    assert client.get(confirm).status_code == 200
    user.user_permissions.set(UserFactory(permissions=["collections_app.change_collection"]).user_permissions.all())
    for answer in (client.get(button), client.get(confirm), client.post(confirm)):
        assert answer.status_code == 403
    assert Selection.objects.count() == 1
    assert not Job.objects.exists()


def test_a_refusal_stands_on_the_page_and_offers_no_button(admin_client):
    """Two snapshots cannot both be gone back to."""
    collection = CollectionFactory()
    snapshots = reverse("admin:collections_app_snapshot_changelist")
    made = [SnapshotFactory(collection=collection).pk for _ in range(2)]
    confirm = admin_client.post(snapshots, {"action": "restore", "_selected_action": made})["Location"]
    shown = page(admin_client, confirm)
    assert "invalid_parameter" in shown
    assert "Choose one snapshot" in shown
    assert 'value="Restore the selected snapshot"' not in shown
    answer = admin_client.post(confirm, follow=True)
    assert "invalid_parameter" in answer.content.decode()
    assert not Job.objects.exists()


def test_many_are_a_workers_and_lose_nothing(admin_client):
    """2,001 entries: chosen, planned, queued and excluded; the session holds none of them."""
    source = SourceFactory()
    CatalogEntry.objects.bulk_create(
        CatalogEntryFactory.build(source=source, key=f"{n}", path=f"p/{n}", name=f"n{n}") for n in range(2001)
    )
    confirm = choose_all(admin_client, CatalogEntry, "exclude")
    assert counts(page(admin_client, confirm)) == {"will be changed": 2001}
    assert len(str(dict(admin_client.session))) < 1000
    answer = admin_client.post(confirm, {"reason": ""})
    job = Job.objects.get()
    assert job.status == JobStatus.QUEUED
    assert str(job.pk) in answer["Location"]
    runner.deliver(str(job.pk))
    assert CatalogEntry.objects.filter(excluded_at__isnull=False).count() == 2001


def test_an_entry_that_was_scanned_away_is_planned_as_such(admin_client, registered):  # noqa: F811 - the fixture
    repository, source = registered(skills("a", "b"))
    confirm = choose_all(admin_client, CatalogEntry, "import")
    repository.commit({"skills/b/SKILL.md": None})
    scan(source)
    shown = page(admin_client, confirm)
    assert counts(shown) == {"will be created": 1, "cannot be done": 1}
    assert "not_importable" in shown
