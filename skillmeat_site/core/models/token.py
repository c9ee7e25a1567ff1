"""API tokens. Only the hash is kept: who reads the database cannot use them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PREFIX = "smt_"
DEFAULT_DAYS = 90


class Scope(StrEnum):
    """What a token may do at most; its user's permissions still apply. Each scope includes the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, other: Scope) -> bool:
        order = list(Scope)
        return order.index(self) >= order.index(other)


def digest(token: str) -> str:
    """SHA-256 is enough: a token has 256 random bits, there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> ApiTokenQuerySet:
        return self.filter(expires_at__gt=timezone.now(), revoked_at__isnull=True, user__is_active=True)


class ApiToken(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=5, choices=[(scope.value, scope.value) for scope in Scope], default=Scope.READ)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("API token")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope__in=[scope.value for scope in Scope]), name="token_scope_known"
            )
        ]

    def __str__(self) -> str:
        return self.name or f"token {self.pk}"

    @classmethod
    def issue(
        cls, user: Any, *, scope: Scope, name: str = "", expires_at: datetime | None = None
    ) -> tuple[ApiToken, str]:
        """Make a token. The second value is the token itself: shown once, kept nowhere."""
        secret = PREFIX + secrets.token_urlsafe(32)
        expiry = expires_at or timezone.now() + timedelta(days=DEFAULT_DAYS)
        row = cls.objects.create(user=user, scope=scope, name=name, digest=digest(secret), expires_at=expiry)
        return row, secret
