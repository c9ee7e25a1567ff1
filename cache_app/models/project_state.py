"""The last reading of one project's disk."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cache_app.querysets import ProjectStateQuerySet


class ReadStatus(models.TextChoices):
    UNREAD = "unread", _("not read yet")
    OK = "ok", _("read")
    ERROR = "error", _("cannot be read")


class ProjectState(models.Model):
    """A read model of one project. What it says stays as it was while the project cannot be read.

    ``fetched_at``: the last reading that succeeded; ``checked_at``: the last attempt. ``fingerprint`` tells one state
    of the project's records from another, ``device`` the file system that the project lay on. ``discovered``: it was
    registered by a discovery, not by a person.
    """

    project = models.OneToOneField(
        "collections_app.Project", primary_key=True, on_delete=models.CASCADE, related_name="cached"
    )
    status = models.CharField(max_length=10, choices=ReadStatus.choices, default=ReadStatus.UNREAD)
    error_code = models.CharField(max_length=50, blank=True)
    error_detail = models.TextField(blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    discovered = models.BooleanField(default=False)
    fingerprint = models.CharField(max_length=64, blank=True)
    device = models.CharField(max_length=20, blank=True)
    artifacts = models.JSONField(default=list)
    counts = models.JSONField(default=dict)

    objects = ProjectStateQuerySet.as_manager()

    class Meta:
        ordering = ("project",)
        verbose_name = _("project state")

    def __str__(self) -> str:
        return str(self.project)
