"""One scan of one source: what it found and what it changed. Written with the catalog, in the same transaction."""

from __future__ import annotations

from datetime import UTC, date

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.models.job import choices
from skillmeat_site.core.results import ItemOutcome


def today() -> date:
    return timezone.now().astimezone(UTC).date()


class ScanRun(models.Model):
    source = models.ForeignKey("marketplace.Source", on_delete=models.CASCADE, related_name="runs", db_index=False)
    job = models.ForeignKey("core.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.CharField(max_length=10, choices=choices(ItemOutcome))
    code = models.CharField(max_length=50, blank=True)
    detail = models.TextField(blank=True)
    commit = models.CharField(max_length=40, blank=True)
    short_circuit = models.CharField(max_length=6, blank=True)
    listing_complete = models.BooleanField(default=False)
    new_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    removed_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    day = models.DateField(default=today, editable=False)
    """Of ``created_at``, in UTC: what the overview groups by, in the order of an index."""

    class Meta:
        ordering = ("-id",)
        verbose_name = _("scan run")
        indexes = [
            models.Index(fields=["source", "-id"], name="run_by_source"),
            models.Index(  # the overview's thirty days, of which it reads nothing but this
                fields=["day", "outcome", "new_count", "updated_count", "removed_count"], name="run_by_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.created_at:%Y-%m-%d %H:%M}"
