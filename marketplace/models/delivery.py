"""A webhook's delivery that was signed: kept for a while, so that one that comes again counts once."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class DeliveryOutcome(StrEnum):
    """PONG: a ping. QUEUED: scans were. CHANGED: sources were. IGNORED: nothing of ours. OFF: webhooks are."""

    PONG = "pong"
    QUEUED = "queued"
    CHANGED = "changed"
    IGNORED = "ignored"
    OFF = "off"
    REPEATED = "repeated"
    """Answered, never stored: the delivery is known."""


STORED = [outcome.value for outcome in DeliveryOutcome if outcome is not DeliveryOutcome.REPEATED]


class WebhookDelivery(models.Model):
    """Written by ``services.webhooks`` alone, in the transaction of what it brought about."""

    delivery_id = models.CharField(max_length=100, unique=True)
    event = models.CharField(max_length=50)
    outcome = models.CharField(max_length=10, choices=[(outcome, outcome) for outcome in STORED])
    received_at = models.DateTimeField()

    class Meta:
        ordering = ("-received_at", "-id")
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.CheckConstraint(condition=models.Q(outcome__in=STORED), name="delivery_outcome_known"),
        ]
        indexes = [models.Index(fields=["received_at"], name="delivery_by_age")]  # the pruning

    def __str__(self) -> str:
        return f"{self.event or 'delivery'} {self.delivery_id}"
