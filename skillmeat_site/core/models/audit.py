"""Who did what. Append only: rows are written inside the transaction they tell about, and never changed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.actor import Actor


class AuditEvent(models.Model):
    at = models.DateTimeField(auto_now_add=True)
    job = models.ForeignKey("core.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=150, blank=True)
    trigger = models.CharField(max_length=10)
    action = models.CharField(max_length=50)
    object_type = models.CharField(max_length=50)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=300, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)
        verbose_name = _("audit event")
        indexes = [models.Index(fields=["object_type", "object_id", "-id"], name="audit_by_object")]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"

    @classmethod
    def record(cls, actor: Actor, action: str, target: models.Model, *, job_id: Any = None, **data: Any) -> AuditEvent:
        """Write one event about ``target``. Call it in the transaction that changes it."""
        return cls.objects.create(
            job_id=job_id,
            actor_id=actor.user_id,
            actor_name=actor.name[:150],
            trigger=actor.trigger,
            action=action,
            object_type=target._meta.label_lower,
            object_id=str(target.pk),
            object_label=str(target)[:300],
            data=data,
        )
