"""manage.py create_token USER --scope write"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.models.token import DEFAULT_DAYS, Scope
from skillmeat_site.core.tokens import issue_token


class Command(Base):
    help = "Make an API token for a user. It is shown once; only its hash is kept."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument("--scope", choices=[scope.value for scope in Scope], default=Scope.READ.value)
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS, choices=range(1, 3651), metavar="1-3650")

    def run(self, options: Mapping[str, Any]) -> int:
        model = get_user_model()
        user = model.objects.filter(**{model.USERNAME_FIELD: options["user"], "is_active": True}).first()
        if user is None:
            raise NotFound(f"There is no active user {options['user']!r}.")
        expires_at = timezone.now() + timedelta(days=options["days"])
        scope, name = Scope(options["scope"]), options["name"]
        row, secret = issue_token(user, scope=scope, actor=COMMAND_LINE, name=name, expires_at=expires_at)
        if self.as_json:
            self.print_json({"token": secret, "expires_at": row.expires_at})
        else:
            self.stdout.write(secret)
            self.stderr.write(f"scope {row.scope}, expires {row.expires_at:%Y-%m-%d}; it is not shown again")
        return 0
