"""Tokens with which repositories are read. Their values are encrypted, and shown nowhere."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class UpstreamToken(models.Model):
    """For everything below ``host``, or only for what ``owner`` has there. Written by ``core.upstream_tokens`` alone.

    ``disabled_at``: the host refused it; it is not used until its value changes.
    """

    name = models.CharField(_("name"), max_length=100, help_text=_("What people call it."))
    host = models.CharField(_("host"), max_length=260, help_text=_("github.com, host:port, or http://host:port."))
    owner = models.CharField(
        _("owner"), max_length=255, blank=True, help_text=_("Only for this user's or organization's repositories.")
    )
    secret = models.TextField(editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_reason = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ("host", "owner")
        verbose_name = _("upstream token")
        constraints = [
            models.UniqueConstraint(fields=["host", "owner"], name="upstream_token_once"),
            models.CheckConstraint(
                condition=models.Q(disabled_at__isnull=True, disabled_reason="")
                | (models.Q(disabled_at__isnull=False) & ~models.Q(disabled_reason="")),
                name="upstream_token_disabled_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RefusedToken(models.Model):
    """A token of the environment that its host refused: known by its digest, so that another one is used at once."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(max_length=100)
    reason = models.CharField(max_length=300)
    refused_at = models.DateTimeField()

    class Meta:
        ordering = ("-refused_at", "-id")
        verbose_name = _("refused token")

    def __str__(self) -> str:
        return self.name
