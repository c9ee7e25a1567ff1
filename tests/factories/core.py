"""Users, jobs, tokens, audit events."""

from __future__ import annotations

from datetime import timedelta

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from skillmeat_site.core.models import ApiToken, AuditEvent, Job, JobItem
from skillmeat_site.core.models.token import digest
from skillmeat_site.core.results import TERMINAL, ItemOutcome, JobStatus, Trigger


class UserFactory(factory.django.DjangoModelFactory):
    """``permissions``: names like "core.view_job". Staff, so that the admin lets them in."""

    username = factory.Sequence(lambda n: f"user{n}")
    is_staff = True

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    @factory.post_generation
    def permissions(self, create, names, **kwargs):
        for name in names or ():
            app, codename = name.split(".")
            self.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))


class JobFactory(factory.django.DjangoModelFactory):
    """A job that succeeded; with another ``status`` its times follow."""

    kind = "marketplace.rescan"
    label = factory.Sequence(lambda n: f"Rescan acme/tools{n}")
    params = factory.LazyFunction(lambda: {"source_id": 1})
    status = JobStatus.SUCCEEDED
    trigger = Trigger.ADMIN
    queue = "scan"
    started_at = factory.LazyAttribute(lambda job: None if job.status == JobStatus.QUEUED else timezone.now())
    finished_at = factory.LazyAttribute(lambda job: timezone.now() if job.status in TERMINAL else None)
    heartbeat_at = factory.LazyAttribute(lambda job: timezone.now() if job.status == JobStatus.RUNNING else None)

    class Meta:
        model = Job


class JobItemFactory(factory.django.DjangoModelFactory):
    job = factory.SubFactory(JobFactory)
    object_type = "source"
    object_id = factory.Sequence(str)
    object_label = factory.LazyAttribute(lambda item: f"acme/tools{item.object_id}")
    outcome = ItemOutcome.UPDATED

    class Meta:
        model = JobItem


class AuditEventFactory(factory.django.DjangoModelFactory):
    actor = factory.SubFactory(UserFactory)
    actor_name = factory.LazyAttribute(lambda event: event.actor.username if event.actor else "")
    trigger = Trigger.ADMIN
    action = "source.changed"
    object_type = "marketplace.source"
    object_id = factory.Sequence(str)
    object_label = factory.LazyAttribute(lambda event: f"acme/tools{event.object_id}")

    class Meta:
        model = AuditEvent


class ApiTokenFactory(factory.django.DjangoModelFactory):
    """A usable token; its secret is ``"secret-"`` plus its name."""

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"token{n}")
    digest = factory.LazyAttribute(lambda token: digest(f"secret-{token.name}"))
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))

    class Meta:
        model = ApiToken
