"""Who may do what: the user's model permissions, and under a token its scope as well."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission, DjangoModelPermissions
from rest_framework.request import Request

from skillmeat_site.core.models import ApiToken
from skillmeat_site.core.models.token import Scope


def scope_allows(request: Request) -> bool:
    """True for a session; for a token if its scope covers the method."""
    if not isinstance(request.auth, ApiToken):
        return True
    needed = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
    return Scope(request.auth.scope).allows(needed)


class ScopedModelPermissions(DjangoModelPermissions):
    """Model permissions, reading included. A view's ``action_permissions`` names what its extra actions need."""

    perms_map = {
        **DjangoModelPermissions.perms_map,
        "GET": ["%(app_label)s.view_%(model_name)s"],
        "HEAD": ["%(app_label)s.view_%(model_name)s"],
        "OPTIONS": ["%(app_label)s.view_%(model_name)s"],
    }

    def has_permission(self, request: Request, view: Any) -> bool:
        if not (request.user and request.user.is_authenticated and scope_allows(request)):
            return False
        named = getattr(view, "action_permissions", {}).get(getattr(view, "action", None))
        if named is not None:
            return bool(request.user.has_perm(named))
        if getattr(view, "action", None) is None and request.method not in view.allowed_methods:
            return True  # not allowed at all: let the view say 405
        return bool(super().has_permission(request, view))


class IsAuthenticatedInScope(BasePermission):
    """For views without a model."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated and scope_allows(request))
