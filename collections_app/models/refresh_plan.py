"""A refresh that was previewed: what it would change, to be applied exactly so or not at all."""

from __future__ import annotations

import uuid
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

from collections_app.domain.refresh_options import RefreshMode
from skillmeat_site.core.models.job import choices


class PlanState(StrEnum):
    READY = "ready"
    APPLIED = "applied"


class RefreshPlan(models.Model):
    """``commits``: at which commit each repository was read; ``details``: the rows of the answer.

    Valid while the collection is at ``base_revision`` and its files are those of ``base_digest``, which knows of edits
    by hand that no index has seen (empty: planned by an older version). Rows go after a week.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection = models.ForeignKey(
        "collections_app.Collection", on_delete=models.CASCADE, related_name="refresh_plans"
    )
    base_revision = models.PositiveIntegerField()
    base_digest = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=20, choices=choices(RefreshMode))
    options = models.JSONField()
    commits = models.JSONField()
    details = models.JSONField()
    state = models.CharField(max_length=20, choices=choices(PlanState), default=PlanState.READY.value)
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "id")
        verbose_name = _("refresh plan")

    def __str__(self) -> str:
        return f"{self.collection} {self.mode}"
