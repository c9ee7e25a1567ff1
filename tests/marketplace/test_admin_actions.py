"""Bulk actions over sources and entries: select, confirm, one job."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from marketplace.models import CatalogEntry
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.housekeeping import forget_selections
from skillmeat_site.core.models import Job, Selection
from skillmeat_site.core.results import JobStatus
from tests.factories.core import UserFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory

pytestmark = pytest.mark.django_db
SOURCES = reverse("admin:marketplace_source_changelist")
ENTRIES = reverse("admin:marketplace_catalogentry_changelist")


def choose(client, url, action, rows, **more):
    """Choose rows in a list; returns the URL of the confirmation."""
    answer = client.post(url, {"action": action, "_selected_action": [row.pk for row in rows], **more})
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def test_rescan_is_confirmed_and_queued(admin_client, admin_user):
    sources = [SourceFactory(), SourceFactory(enabled=False), SourceFactory(lease_until=timezone.now() + timedelta(1))]
    sources.append(SourceFactory(not_before=timezone.now() + timedelta(hours=1)))
    confirm = choose(admin_client, SOURCES + "?q=acme", "rescan", sources)
    shown = admin_client.get(confirm).content.decode()
    assert "<strong>4</strong> selected" in shown
    assert "<strong>3</strong> will be scanned" in shown
    assert "<strong>1</strong> of these disabled" in shown
    assert "<strong>1</strong> of these backing off" in shown
    assert "<strong>1</strong> being scanned now" in shown
    assert str(sources[0]) in shown
    assert f'href="{SOURCES}?q=acme"' in shown
    assert not Job.objects.exists()

    answer = admin_client.post(confirm, {"force": "on"})
    job = Job.objects.get()
    assert str(job.pk) in confirm
    assert answer["Location"].startswith(reverse("admin:core_job_change", args=[job.pk]))
    assert (job.kind, job.status, job.trigger, job.actor) == (
        "marketplace.bulk_rescan", JobStatus.QUEUED, "admin", admin_user,
    )  # fmt: skip
    assert sorted(job.params["ids"]) == sorted(source.pk for source in sources)
    assert (job.params["force"], job.params["allow_removals"]) == (True, False)
    assert f'href="{SOURCES}?q=acme"' in admin_client.get(answer["Location"]).content.decode()


def test_force_is_preset_by_the_action(admin_client):
    source = SourceFactory()
    assert "checked" not in admin_client.get(choose(admin_client, SOURCES, "rescan", [source])).content.decode()
    assert "checked" in admin_client.get(choose(admin_client, SOURCES, "force_rescan", [source])).content.decode()


def test_one_source_is_a_plain_rescan_that_joins(admin_client):
    source = SourceFactory()
    button = reverse("admin:marketplace_source_do", args=[source.pk, "rescan"])
    assert button in admin_client.get(reverse("admin:marketplace_source_change", args=[source.pk])).content.decode()
    first = admin_client.post(admin_client.get(button)["Location"])["Location"]
    second = admin_client.post(admin_client.get(button)["Location"])["Location"]
    job = Job.objects.get()
    assert job.kind == "marketplace.rescan"
    assert str(job.pk) in first
    assert first == second


def test_a_stronger_request_beside_a_running_job_is_a_message(admin_client):
    source = SourceFactory()
    admin_client.post(choose(admin_client, SOURCES, "rescan", [source]), {})
    answer = admin_client.post(choose(admin_client, SOURCES, "rescan", [source]), {"force": "on"}, follow=True)
    assert answer.redirect_chain[-1][0] == SOURCES
    assert "source_busy" in answer.content.decode()
    assert Job.objects.count() == 1


def test_double_click_and_reload_land_on_the_same_job(admin_client):
    entry = CatalogEntryFactory()
    confirm = choose(admin_client, ENTRIES, "exclude", [entry])
    frozen = Selection.objects.get()
    first = admin_client.post(confirm, {"reason": "once"})
    assert admin_client.get(confirm)["Location"] == first["Location"]
    # The second click of a pair comes before the first has left its mark.
    frozen.save()
    second = admin_client.post(confirm, {"reason": "twice"})
    assert second["Location"] == first["Location"]
    assert Job.objects.count() == 1
    entry.refresh_from_db()
    assert entry.excluded_reason == "once"


def test_exclude_and_restore(admin_client, admin_user):
    entries = [CatalogEntryFactory(), CatalogEntryFactory(excluded=True), CatalogEntryFactory()]
    confirm = choose(admin_client, ENTRIES + "?show=all", "exclude", entries)
    shown = admin_client.get(confirm).content.decode()
    assert "<strong>3</strong> will be changed" in shown
    assert not Job.objects.exists()
    job_page = admin_client.post(confirm, {"reason": "no <b>use</b>"})["Location"]
    shown = admin_client.get(job_page).content.decode()
    assert "succeeded" in shown
    assert str(entries[0]) in shown
    assert CatalogEntry.objects.filter(excluded_reason="no <b>use</b>").count() == 3
    assert reverse("admin:marketplace_catalogentry_change", args=[entries[0].pk]) in shown

    confirm = choose(admin_client, ENTRIES + "?show=all", "restore", entries[:1])
    assert "<strong>1</strong> will be changed" in admin_client.get(confirm).content.decode()
    admin_client.post(confirm)
    assert CatalogEntry.objects.filter(excluded_at__isnull=False).count() == 2


def test_reason_is_limited(admin_client):
    entry = CatalogEntryFactory()
    confirm = choose(admin_client, ENTRIES, "exclude", [entry])
    answer = admin_client.post(confirm, {"reason": "x" * 501})
    assert answer.status_code == 200
    assert "at most 500" in answer.content.decode()
    assert not Job.objects.exists()


def test_enable_and_disable(admin_client):
    on, off = SourceFactory(), SourceFactory(enabled=False)
    confirm = choose(admin_client, SOURCES, "disable", [on, off])
    shown = admin_client.get(confirm).content.decode()
    assert "<strong>1</strong> will be changed" in shown
    assert "<strong>1</strong> are so already" in shown
    admin_client.post(confirm)
    on.refresh_from_db()
    assert not on.enabled
    admin_client.post(choose(admin_client, SOURCES, "enable", [on, off]))
    off.refresh_from_db()
    assert off.enabled


def test_selecting_across_pages_freezes_what_the_filter_shows(admin_client):
    source = SourceFactory()
    wanted = {CatalogEntryFactory(source=source, type="command").pk for _ in range(130)}
    CatalogEntryFactory(source=source, type="skill")
    hidden = CatalogEntryFactory(source=source, type="command", removed=True)
    one = CatalogEntry.objects.get(pk=min(wanted))
    confirm = choose(admin_client, ENTRIES + "?type=command", "exclude", [one], select_across="1")
    later = CatalogEntryFactory(source=source, type="command")
    shown = admin_client.get(confirm).content.decode()
    assert "<strong>130</strong> selected" in shown
    assert "page 1 of 3" in shown
    admin_client.post(confirm)
    excluded = set(CatalogEntry.objects.filter(excluded_at__isnull=False).values_list("pk", flat=True))
    assert excluded == wanted
    assert not {hidden.pk, later.pk} & excluded


def test_rows_deleted_meanwhile_fail_by_themselves(admin_client):
    gone, kept = CatalogEntryFactory(), CatalogEntryFactory()
    confirm = choose(admin_client, ENTRIES, "exclude", [gone, kept])
    gone.delete()
    shown = admin_client.get(confirm).content.decode()
    assert "<strong>1</strong> will be changed" in shown
    assert "<strong>1</strong> are gone" in shown
    job_page = admin_client.post(confirm)["Location"]
    shown = admin_client.get(job_page).content.decode()
    assert "not_found" in shown
    assert Job.objects.get().status == JobStatus.PARTIAL


def test_choosing_nothing_is_a_message(admin_client):
    entry = CatalogEntryFactory()
    answer = admin_client.post(ENTRIES, {"action": "exclude", "index": "0"}, follow=True)
    assert "Items must be selected" in answer.content.decode()
    pk = entry.pk
    entry.delete()
    answer = admin_client.post(ENTRIES, {"action": "exclude", "_selected_action": [pk]}, follow=True)
    assert "None of the selected rows exists any more" in answer.content.decode()


def test_unknown_selections_do_nothing(admin_client):
    answer = admin_client.post(reverse("admin:marketplace_source_confirm", args=[uuid.uuid4()]), follow=True)
    assert answer.redirect_chain[-1][0] == SOURCES
    assert "no longer known" in answer.content.decode()
    # A selection of entries is none of sources.
    of_entries = choose(admin_client, ENTRIES, "exclude", [CatalogEntryFactory()])
    assert admin_client.post(of_entries.replace("catalogentry", "source")).status_code == 404
    assert not Job.objects.exists()


def test_a_selection_outlives_the_session_but_not_its_week(admin_client, admin_user):
    confirm = choose(admin_client, SOURCES, "rescan", [SourceFactory()])
    Session.objects.all().delete()
    assert "/login/" in admin_client.post(confirm)["Location"]
    assert not Job.objects.exists()
    admin_client.force_login(admin_user)
    assert admin_client.get(confirm).status_code == 200
    ran = admin_client.post(confirm)["Location"]
    Selection.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert forget_selections() == 1
    # Its job is known by the same id all the same.
    assert admin_client.get(confirm)["Location"] == ran.partition("?")[0]


@pytest.mark.parametrize(
    ("url", "action", "permission"),
    [
        (SOURCES, "rescan", "marketplace.rescan_source"),
        (SOURCES, "force_rescan", "marketplace.rescan_source"),
        (SOURCES, "enable", "marketplace.change_source"),
        (SOURCES, "disable", "marketplace.change_source"),
        (ENTRIES, "exclude", "marketplace.change_catalogentry"),
        (ENTRIES, "restore", "marketplace.change_catalogentry"),
    ],
)
def test_permission_is_asked_for_when_offering_and_when_confirming(client, url, action, permission):
    row = CatalogEntryFactory() if url == ENTRIES else SourceFactory()
    readers = ["marketplace.view_source", "marketplace.view_catalogentry"]
    user = UserFactory(permissions=readers)
    client.force_login(user)
    assert f'value="{action}"' not in client.get(url).content.decode()
    client.post(url, {"action": action, "_selected_action": [row.pk]})
    assert not Selection.objects.exists()
    name = "catalogentry" if url == ENTRIES else "source"
    assert client.get(reverse(f"admin:marketplace_{name}_do", args=[row.pk, action])).status_code == 403

    allowed = UserFactory(permissions=[*readers, permission])
    client.force_login(allowed)
    confirm = choose(client, url, action, [row])
    assert client.get(confirm).status_code == 200
    allowed.user_permissions.clear()
    assert client.get(confirm).status_code == 403
    assert client.post(confirm).status_code == 403
    assert not Job.objects.exists()


def test_hostile_names_on_the_confirmation(admin_client):
    entry = CatalogEntryFactory(name="<script>x</script>\u202e\nend", path="p")
    shown = admin_client.get(choose(admin_client, ENTRIES, "exclude", [entry])).content.decode()
    assert r"&lt;script&gt;x&lt;/script&gt;\u202e\nend" in shown
    assert "\u202e" not in shown


def test_a_refusal_at_the_start_is_a_message_with_its_code(admin_client, monkeypatch):
    source = SourceFactory()
    confirm = choose(admin_client, SOURCES, "rescan", [source])

    def refuse(definition, *args, **kwargs):
        raise definition.busy("taken")

    monkeypatch.setattr(runner, "enqueue", refuse)
    answer = admin_client.post(confirm, follow=True)
    assert "Taken <code>source_busy</code>" in answer.content.decode()


def test_unknown_button_or_row_is_404(admin_client):
    source = SourceFactory()
    assert admin_client.get(reverse("admin:marketplace_source_do", args=[source.pk, "explode"])).status_code == 404
    assert admin_client.get(reverse("admin:marketplace_source_do", args=[0, "rescan"])).status_code == 404
