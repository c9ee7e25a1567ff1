"""A tag that a repository suggests: one of its topics, or a folder's name. A person decides whether it is used."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.querysets import SourceTagQuerySet


class TagKind(StrEnum):
    TOPIC = "topic"
    PATH = "path"


class TagStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class SourceTag(models.Model):
    """Kept when its repository no longer has it, so that a decision holds when it comes back.

    What was found is written by ``services.tag_sync`` alone, ``status`` and ``decided_*`` by ``services.tags`` alone.
    """

    # The index of source_tag_once serves the foreign key as well.
    source = models.ForeignKey(
        "marketplace.Source", on_delete=models.CASCADE, related_name="found_tags", db_index=False
    )
    kind = models.CharField(max_length=5, choices=[(k.value, k.value) for k in TagKind])

    # What was found
    value = models.CharField(max_length=100)
    normalized = models.CharField(max_length=50)
    last_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    # The user's
    status = models.CharField(
        max_length=8, choices=[(s.value, s.value) for s in TagStatus], default=TagStatus.PENDING.value
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = SourceTagQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name = _("suggested tag")
        constraints = [
            models.UniqueConstraint(fields=["source", "kind", "normalized"], name="source_tag_once"),
            models.CheckConstraint(condition=Q(kind__in=[k.value for k in TagKind]), name="source_tag_kind_known"),
            models.CheckConstraint(
                condition=Q(status="pending", decided_at__isnull=True)
                | Q(status__in=["approved", "rejected"], decided_at__isnull=False),
                name="source_tag_decision_has_date",
            ),
        ]
        indexes = [models.Index(fields=["status", "id"], name="source_tag_by_status")]  # the list of what waits

    def __str__(self) -> str:
        return f"{self.kind}:{self.normalized}"
