"""What an actor may do, where no request is at hand that would know."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model

from skillmeat_site.core.actor import Actor


class Rights:
    """Asked of the database once, however many objects it is about.

    Who acts without a user (a command, a schedule) acts for whoever runs the server, and may everything.
    """

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def may(self, permission: str) -> bool:
        """``permission`` is ``app.codename``; an empty one only superusers have."""
        if self._actor.user_id is None:
            return True
        if self._user is None:
            return False
        return bool(self._user.has_perm(permission) if permission else self._user.is_superuser)

    @cached_property
    def _user(self) -> Any:
        users = get_user_model()._default_manager.filter(is_active=True)
        return users.filter(pk__in=[self._actor.user_id]).first()
