from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

from marketplace.search_index import restore_triggers


class Config(AppConfig):
    name = "marketplace"
    label = "marketplace"
    verbose_name = "Sources and catalog"

    def ready(self) -> None:
        post_migrate.connect(_after_migrations, sender=self)


def _after_migrations(using: str, **kwargs: Any) -> None:
    restore_triggers(connections[using])
