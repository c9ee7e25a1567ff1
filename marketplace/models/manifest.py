"""What a file's head says, parsed once per content for all sources. A cache: it may be emptied at any time."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Manifest(models.Model):
    blob_oid = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    parser_version = models.PositiveSmallIntegerField()
    parsed = models.JSONField()

    class Meta:
        verbose_name = _("parsed manifest")
        constraints = [
            models.UniqueConstraint(fields=["blob_oid", "kind", "parser_version"], name="manifest_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.blob_oid[:12]}"
