"""Bearer tokens. The first authenticator, so that an anonymous request is answered 401 with a challenge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from skillmeat_site.core.models import ApiToken
from skillmeat_site.core.models.token import digest

USED_RESOLUTION = timedelta(minutes=5)


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer smt_…``. ``request.auth`` is the token, whose scope the permission class asks."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        keyword, _, value = get_authorization_header(request).partition(b" ")
        if keyword.lower() != b"bearer":
            return None
        secret = value.strip().decode("latin-1")
        token = ApiToken.objects.usable().select_related("user").filter(digest=digest(secret)).first()
        if token is None:
            raise AuthenticationFailed("The token is unknown, expired or revoked.")
        now = timezone.now()
        if token.last_used_at is None or now - token.last_used_at > USED_RESOLUTION:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="skillmeat"'
