"""Importing in the admin: select, see what would happen, confirm, one job."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from collections_app.models import Artifact
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job
from tests.conftest import skill, skills
from tests.factories.core import UserFactory
from tests.marketplace.imports.importing import agree, artifact, bring, entry, ids, on_disk
from tests.marketplace.scanning import scan
from tests.marketplace.test_admin_actions import ENTRIES, SOURCES, choose

pytestmark = pytest.mark.django_db


def work():
    job = Job.objects.get()
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    return job


def test_importing_entries(admin_client, registered):
    _, source = registered(skills("a", "b"))
    bring(source, ids(source)[:1])
    confirm = choose(admin_client, ENTRIES, "import", source.entries.order_by("pk"))
    shown = admin_client.get(confirm).content.decode()
    assert "<strong>1</strong> will be created" in shown
    assert "<strong>1</strong> will be skipped" in shown
    assert Artifact.objects.count() == 1
    assert "errorlist" in admin_client.post(confirm, {"collection": "../x", "strategy": "skip"}).content.decode()
    admin_client.post(confirm, {"collection": "other", "strategy": "overwrite"})
    job = work()
    assert (job.kind, job.status, job.params["collection"]) == ("marketplace.bulk_import", "succeeded", "other")
    assert on_disk("other") == ["skills/a/SKILL.md", "skills/b/SKILL.md"]
    agree("other")


def test_importing_a_source(admin_client, registered):
    _, source = registered({**skills("a", "b"), ".claude-plugin/marketplace.json": '{"name": "m", "plugins": []}'})
    confirm = choose(admin_client, SOURCES, "import_all", [source])
    assert "<strong>2</strong> will be created" in admin_client.get(confirm).content.decode()
    admin_client.post(confirm, {"collection": "default", "strategy": "skip"})
    assert work().result["summary"]["created"] == 2


def test_re_importing_from_the_entrys_page(admin_client, registered):
    repository, source = registered(skills("a"))
    bring(source)
    repository.commit({"skills/a/SKILL.md": skill("a", "New")})
    scan(source)
    found = entry(source, "skills/a")
    page = admin_client.get(reverse("admin:marketplace_catalogentry_change", args=[found.pk])).content.decode()
    assert "default/a" in page
    assert "update available" in page
    button = reverse("admin:marketplace_catalogentry_do", args=[found.pk, "reimport"])
    assert button in page
    confirm = admin_client.get(button)["Location"]
    assert "<strong>1</strong> will be changed" in admin_client.get(confirm).content.decode()
    before = artifact("a").pk
    admin_client.post(confirm, {"keep_deployments": "on", "collection": ""})
    assert work().result["summary"]["updated"] == 1
    assert artifact("a").pk == before
    assert artifact("a").base_oid == found.content_oid


def test_the_list_shows_imports_in_a_constant_number_of_statements(admin_client, registered):
    repository, source = registered(skills(*(f"s{n:02}" for n in range(20))))
    bring(source, ids(source)[:1])
    with CaptureQueriesContext(connection) as few:
        shown = admin_client.get(ENTRIES).content.decode()
    assert "default/s00" in shown
    assert "default/s01" not in shown
    bring(source)
    bring(source, collection="other")
    with CaptureQueriesContext(connection) as many:
        shown = admin_client.get(ENTRIES).content.decode()
    assert shown.count("other/s") == 20
    assert len(many) == len(few)
    repository.commit({"skills/s03/SKILL.md": skill("s03", "New")})
    scan(source)
    shown = admin_client.get(ENTRIES + "?update_available=yes").content.decode()
    assert "default/s03" in shown
    assert "default/s04" not in shown
    assert "default/s04" in admin_client.get(ENTRIES + "?status=imported").content.decode()


def test_who_may_not_sees_no_action(client, registered):
    _, source = registered(skills("a"))
    client.force_login(UserFactory(permissions=["marketplace.view_catalogentry", "marketplace.view_source"]))
    assert 'value="import"' not in client.get(ENTRIES).content.decode()
    assert client.get(reverse("admin:marketplace_catalogentry_do", args=[*ids(source), "import"])).status_code == 403
