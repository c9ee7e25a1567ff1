"""Jobs: the truth of every long operation. A queue only delivers their ids.

    queued ──claim──► running ──► succeeded | partial | failed | cancelled
       ▲                 │
       └── reaper, worker lost ──┘

A job moves by conditional UPDATE only (``core.jobs.states``), never by ``save()``.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.results import ACTIVE, TERMINAL, ItemOutcome, JobStatus, Trigger


def choices(enum: Any) -> list[tuple[str, str]]:
    return [(member.value, member.value) for member in enum]


class JobQuerySet(models.QuerySet["Job"]):
    def for_user(self, user: Any) -> JobQuerySet:
        """The jobs this user may see. Today all; the place to narrow ownership later."""
        return self

    def active(self) -> JobQuerySet:
        return self.filter(status__in=ACTIVE)

    def finished(self) -> JobQuerySet:
        return self.filter(status__in=TERMINAL)

    def for_list(self) -> JobQuerySet:
        return self.select_related("actor")


class Job(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=100)
    label = models.CharField(max_length=300)
    status = models.CharField(max_length=10, choices=choices(JobStatus), default=JobStatus.QUEUED)
    dedupe_key = models.CharField(max_length=200, null=True, blank=True)
    params = models.JSONField(default=dict)
    result = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=50, blank=True)
    error_detail = models.TextField(blank=True)

    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    progress_label = models.CharField(max_length=200, blank=True)
    # What it said it was doing, [[RFC 3339 time, text], …]: bounded, written with the heartbeat (``jobs.trail``).
    trail = models.JSONField(default=list, blank=True)

    trigger = models.CharField(max_length=10, choices=choices(Trigger))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    # The row of the parent that this job settles; set for children of a bulk job, not for retries.
    parent_item = models.OneToOneField(
        "JobItem", null=True, blank=True, on_delete=models.SET_NULL, related_name="child"
    )

    # Empty: runs in the process of whoever asked, is never delivered again.
    queue = models.CharField(max_length=20, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    # True once a bulk job has handed out its children: nobody holds it, the last child closes it.
    awaits_children = models.BooleanField(default=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("job")
        permissions = [("cancel_job", "Can cancel jobs"), ("retry_job", "Can retry jobs")]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="job_newest"),  # every list of jobs
            models.Index(fields=["kind", "-created_at"], name="job_kind_newest"),  # filter by kind
            models.Index(  # the reaper
                fields=["heartbeat_at"], name="job_active_heartbeat", condition=Q(status__in=ACTIVE)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"], condition=Q(status__in=ACTIVE), name="job_one_active_per_key"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in JobStatus]), name="job_status_known"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, status__in=ACTIVE)
                | Q(finished_at__isnull=False, status__in=TERMINAL),
                name="job_finished_iff_terminal",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


class JobItem(models.Model):
    """One object of a job. ``outcome`` is empty until it has settled."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items")
    object_type = models.CharField(max_length=50)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=300, blank=True)
    outcome = models.CharField(max_length=10, choices=choices(ItemOutcome), blank=True)
    code = models.CharField(max_length=50, blank=True)
    message = models.TextField(blank=True)
    detail = models.JSONField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("job item")
        constraints = [
            models.UniqueConstraint(fields=["job", "object_type", "object_id"], name="jobitem_once_per_job"),
            models.CheckConstraint(
                condition=Q(outcome__in=["", *(outcome.value for outcome in ItemOutcome)]),
                name="jobitem_outcome_known",
            ),
        ]
        indexes = [models.Index(fields=["job", "id"], name="jobitem_by_job")]  # the job page

    def __str__(self) -> str:
        return self.object_label or f"{self.object_type} {self.object_id}"
