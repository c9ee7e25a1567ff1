"""Making and ending API tokens. The one door to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from skillmeat_site.core import selections
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import SentBefore
from skillmeat_site.core.models import ApiToken, AuditEvent
from skillmeat_site.core.models.token import Scope


def issue_token(
    user: Any,
    *,
    scope: Scope,
    actor: Actor,
    name: str = "",
    expires_at: datetime | None = None,
    form_id: UUID | None = None,
) -> tuple[ApiToken, str]:
    """Make a token; the second value is the token itself, kept nowhere: show it now or never.

    Raises SentBefore where ``form_id``, of the form that asks, has made one: the token cannot be shown once more.
    """
    with transaction.atomic():
        if form_id and not selections.take(form_id, actor.user_id, model=ApiToken._meta.label_lower, action="issue"):
            raise SentBefore("The token of this form has been made, and was shown that once only.")
        row, secret = ApiToken.issue(user, scope=scope, name=name, expires_at=expires_at)
        AuditEvent.record(actor, "token.issued", row, scope=row.scope)
    return row, secret


def revoke_tokens(ids: Iterable[int], *, actor: Actor) -> int:
    """End these tokens now and for good; returns how many had not been revoked before."""
    with transaction.atomic():
        live = list(ApiToken.objects.select_for_update().filter(pk__in=list(ids), revoked_at__isnull=True))
        ApiToken.objects.filter(pk__in=[token.pk for token in live]).update(revoked_at=timezone.now())
        for token in live:
            AuditEvent.record(actor, "token.revoked", token)
    return len(live)
