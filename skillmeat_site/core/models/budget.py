"""What hosts said of their limits, and who may ask them at once; shared by all workers."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.leases import LeasedModel
from skillmeat_site.core.ledger import Standing
from skillmeat_site.upstream.budget import Resource


class UpstreamBudgetQuerySet(models.QuerySet["UpstreamBudget"]):
    def for_user(self, user: Any) -> UpstreamBudgetQuerySet:
        """The budgets this user may see. Today all; the place to narrow ownership later."""
        return self


class UpstreamBudget(models.Model):
    """One resource of one token at one host. Written by ``core.budgets`` only.

    The token itself is in no column: ``token_id`` is the beginning of its hash, so that another token is another row.
    The reserve is a share of the limit, and derived.
    """

    host = models.CharField(max_length=255)
    token_name = models.CharField(max_length=100, blank=True)
    token_id = models.CharField(max_length=12, blank=True)
    resource = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Resource])
    limit = models.PositiveIntegerField(null=True)
    remaining = models.PositiveIntegerField(null=True)
    reset_at = models.DateTimeField(null=True)
    cooldown_until = models.DateTimeField(null=True)
    strikes = models.PositiveSmallIntegerField(default=0)
    offline_until = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    objects = UpstreamBudgetQuerySet.as_manager()

    class Meta:
        ordering = ("host", "token_name", "token_id", "resource")
        verbose_name = _("upstream budget")
        constraints = [
            models.UniqueConstraint(fields=["host", "token_id", "resource"], name="budget_once"),
            models.CheckConstraint(
                condition=models.Q(resource__in=[one.value for one in Resource]), name="budget_resource_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host} {self.token_name} {self.resource}"

    @property
    def standing(self) -> Standing:
        until = self.cooldown_until
        return Standing(self.limit, self.remaining, self.reset_at, until, self.strikes, self.offline_until)

    @property
    def reserve(self) -> int | None:
        return None if self.limit is None else self.standing.reserve


class UpstreamSlot(LeasedModel):
    """A place among the few operations that may talk to a host at once with one token. Written by ``core.slots`` only.

    ``paced_until``: so many requests were made in it that the next operation has to wait so long.
    """

    host = models.CharField(max_length=255)
    token_id = models.CharField(max_length=12, blank=True)
    number = models.PositiveSmallIntegerField()
    paced_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("host", "token_id", "number")
        constraints = [models.UniqueConstraint(fields=["host", "token_id", "number"], name="slot_once")]

    def __str__(self) -> str:
        return f"{self.host} {self.number}"
