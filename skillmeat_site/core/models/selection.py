"""What somebody chose in a list of the admin, frozen until it is confirmed (docs/adr/0028)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Selection(models.Model):
    """``id`` becomes the primary key of the job. ``landed``: where the confirmed action led, "" before.

    ``ids``: what was chosen, in order, numbers or strings; dropped once it has run. ``plan``: the job that last
    worked out what would happen, with the options that ``plan_token`` stands for.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    model = models.CharField(max_length=100)
    action = models.CharField(max_length=50)
    ids = models.JSONField(default=list)
    back = models.TextField(blank=True)
    landed = models.TextField(blank=True)
    plan = models.ForeignKey("core.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    plan_token = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("selection")
        default_permissions = ()  # its owner, and nobody else
        indexes = [models.Index(fields=["created_at"], name="selection_oldest")]  # housekeeping

    def __str__(self) -> str:
        return f"{self.action} {self.model}"
