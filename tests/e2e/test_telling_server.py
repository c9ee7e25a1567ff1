"""A command's way of telling, and the server that it is told to: they speak the same language."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from collections_app.models import Artifact
from skillmeat_site.core.models import ApiToken, Job
from skillmeat_site.core.models.token import Scope
from skillmeat_site.upstream.telling import RunningServer
from tests.factories.deployments import put_artifact

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(live_server):
    user = get_user_model().objects.create_superuser("root", password="root")
    _, secret = ApiToken.issue(user, scope=Scope("write"))
    return RunningServer(live_server.url, secret, one_seconds=60, all_seconds=60)


def test_the_server_indexes_what_it_is_told_of(server):
    artifact = put_artifact("skill", "a", {"SKILL.md": "one"})
    Artifact.objects.filter(pk=artifact.pk).update(content_oid="")
    assert server.tell({"default"}) == ""
    assert Job.objects.get().kind == "collections.index"
    assert server.tell({"default", "other"}) == ""
    assert Job.objects.filter(kind="collections.index_all").count() == 1


def test_a_server_that_knows_no_such_collection_or_token(server):
    assert "404" in server.tell({"nothing"})
    assert "refuses the token" in RunningServer(server.url, "smt_wrong", one_seconds=60).tell({"default"})
