"""When projects were last looked for."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Discovery(models.Model):
    """The last discovery; one row."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    scanned_at = models.DateTimeField()
    counts = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("discovery of projects")
        verbose_name_plural = _("discoveries of projects")

    def __str__(self) -> str:
        return f"{self.scanned_at:%Y-%m-%d %H:%M}"
