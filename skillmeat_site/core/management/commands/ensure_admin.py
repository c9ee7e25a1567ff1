"""manage.py ensure_admin: the first user."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model

from skillmeat_site.core.management.base import Command as Base


class Command(Base):
    help = "Make an administrator with a generated password, shown once, if there is none yet."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="admin")

    def run(self, options: Mapping[str, Any]) -> int:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            row = {"name": options["name"], "outcome": "unchanged", "password": None}
        else:
            password = secrets.token_urlsafe(15)
            users.create_superuser(options["name"], password=password)
            row = {"name": options["name"], "outcome": "created", "password": password}
        if self.as_json:
            self.print_json({"results": [row], "summary": {"total": 1}})
        elif row["password"]:
            self.stdout.write(f"Administrator {row['name']}, password {row['password']} (shown this once)")
        else:
            self.stdout.write("There is an administrator; reset a password with: manage.py changepassword NAME")
        return 0
