"""API tokens and audit events."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from skillmeat_site.core.actor import COMMAND_LINE, Actor
from skillmeat_site.core.models import ApiToken, AuditEvent, Job
from skillmeat_site.core.models.token import DEFAULT_DAYS, Scope, digest
from skillmeat_site.core.results import Trigger
from tests.factories.core import JobFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_only_the_hash_is_kept():
    row, secret = ApiToken.issue(UserFactory(), scope=Scope.WRITE, name="ci")
    assert secret.startswith("smt_")
    assert len(secret) > 40
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM core_apitoken")
        stored = json.dumps(cursor.fetchall(), default=str)
    assert secret not in stored
    assert secret.removeprefix("smt_") not in stored
    assert row.digest == digest(secret)
    assert secret not in str(row)


def test_it_expires_by_itself():
    row, _ = ApiToken.issue(UserFactory(), scope=Scope.READ)
    assert abs((row.expires_at - timezone.now()) - timedelta(days=DEFAULT_DAYS)) < timedelta(hours=1)


def test_no_two_tokens_are_alike():
    user = UserFactory()
    assert len({ApiToken.issue(user, scope=Scope.READ)[1] for _ in range(5)}) == 5


@pytest.mark.parametrize("holds", Scope)
@pytest.mark.parametrize("asked", Scope)
def test_each_scope_includes_the_ones_before(holds, asked):
    rank = {"read": 0, "write": 1, "admin": 2}
    assert holds.allows(asked) == (rank[holds] >= rank[asked])


@pytest.mark.parametrize(
    ("spoil", "usable"),
    [
        (lambda token: None, True),
        (lambda token: ApiToken.objects.update(expires_at=timezone.now()), False),
        (lambda token: ApiToken.objects.update(revoked_at=timezone.now()), False),
        (lambda token: type(token.user).objects.update(is_active=False), False),
    ],
    ids=["good", "expired", "revoked", "user inactive"],
)
def test_which_tokens_open_the_door(admin_user, client_for, spoil, usable):
    client = client_for(admin_user, "read")
    spoil(ApiToken.objects.get())
    assert client.get("/api/v1/jobs").status_code == (200 if usable else 401)


def test_its_last_use_is_noted_and_not_at_every_request(admin_user, client_for):
    client = client_for(admin_user, "read")
    client.get("/api/v1/jobs")
    first = ApiToken.objects.get().last_used_at
    client.get("/api/v1/jobs")
    assert ApiToken.objects.get().last_used_at == first is not None
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(hours=1))
    client.get("/api/v1/jobs")
    assert ApiToken.objects.get().last_used_at >= first


def test_a_scope_nobody_knows_is_refused_by_the_database():
    row, _ = ApiToken.issue(UserFactory(), scope=Scope.READ)
    with pytest.raises(IntegrityError, match="token_scope_known"), transaction.atomic():
        ApiToken.objects.filter(pk=row.pk).update(scope="root")


def test_an_event_outlives_its_actor_and_its_job():
    user, job = UserFactory(), JobFactory(label="x" * 300)
    event = AuditEvent.record(
        Actor(Trigger.ADMIN, user.pk, "n" * 200), "job.cancelled", job, job_id=job.pk, why={"a": [1]}
    )
    user.delete()
    Job.objects.all().delete()
    event.refresh_from_db()
    assert (event.actor, event.job, event.actor_name, event.trigger) == (None, None, "n" * 150, "admin")
    assert (event.object_type, event.object_id, event.object_label) == ("core.job", str(job.pk), "x" * 300)
    assert event.data == {"why": {"a": [1]}}


def test_an_event_is_part_of_its_transaction():
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 - both statements are one transaction
        AuditEvent.record(COMMAND_LINE, "job.cancelled", JobFactory())
        raise ZeroDivisionError
    assert not AuditEvent.objects.exists()


def test_the_command_line_has_a_name_and_no_user():
    event = AuditEvent.record(COMMAND_LINE, "x", JobFactory())
    assert (event.actor_id, event.actor_name, event.trigger) == (None, "command line", "command")
