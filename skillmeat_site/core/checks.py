"""System checks: what would go wrong later is said at the start, with what to do about it."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core import checks

RETRY_RULE = "retry must be at least timeout × (1 + ceil((queue_limit + bulk) / workers)) + 60"


def register() -> None:
    for check in (check_queue, check_sqlite, check_home, check_cluster_cache):
        checks.register(check, "skillmeat")


def check_queue(**kwargs: Any) -> list[checks.CheckMessage]:
    from_settings = settings.Q_CLUSTER
    found: list[checks.CheckMessage] = []
    clusters = {from_settings["name"]: from_settings, **from_settings.get("ALT_CLUSTERS", {})}
    for name, cluster in clusters.items():
        options = {**from_settings, **cluster}
        timeout, retry, workers = options.get("timeout"), options.get("retry", 0), options.get("workers", 1)
        if not isinstance(timeout, int):
            found.append(checks.Error(f"Cluster {name}: timeout must be whole seconds.", id="skillmeat.E001"))
            continue
        ahead = options.get("queue_limit", workers**2) + options.get("bulk", 1)
        if retry < timeout * (1 + -(-ahead // workers)) + 60:
            found.append(
                checks.Error(
                    f"Cluster {name}: a task could be delivered twice while it runs.",
                    hint=RETRY_RULE,
                    id="skillmeat.E002",
                )
            )
    for queue, name in settings.SKILLMEAT_QUEUES.items():
        if name not in clusters:
            found.append(
                checks.Error(
                    f"Queue {queue} goes to cluster {name}, which nobody can run.",
                    hint=f"SKILLMEAT_QUEUES may name: {', '.join(sorted(clusters))}.",
                    id="skillmeat.E003",
                )
            )
    return found


def check_sqlite(**kwargs: Any) -> list[checks.CheckMessage]:
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "django.db.backends.sqlite3":
        return []
    options = database.get("OPTIONS", {})
    found: list[checks.CheckMessage] = []
    if options.get("transaction_mode") != "IMMEDIATE" or "WAL" not in options.get("init_command", "").upper():
        found.append(
            checks.Error(
                "SQLite without WAL and IMMEDIATE transactions fails under two writers.",
                hint="Keep settings.database.SQLITE_OPTIONS.",
                id="skillmeat.E004",
            )
        )
    if database.get("ATOMIC_REQUESTS"):
        found.append(
            checks.Error(
                "ATOMIC_REQUESTS would take the write lock for every GET.", hint="Remove it.", id="skillmeat.E005"
            )
        )
    return found


def check_home(**kwargs: Any) -> list[checks.CheckMessage]:
    if os.access(settings.SKILLMEAT_HOME, os.W_OK | os.X_OK):
        return []
    return [
        checks.Error(
            "SKILLMEAT_HOME cannot be written to.",
            hint=f"Give the server's user write permission on {settings.SKILLMEAT_HOME}, or set SKILLMEAT_HOME.",
            id="skillmeat.E006",
        )
    ]


def check_cluster_cache(**kwargs: Any) -> list[checks.CheckMessage]:
    backend = settings.CACHES.get(settings.Q_CLUSTER.get("cache", "default"), {}).get("BACKEND", "")
    if backend.endswith(("LocMemCache", "DummyCache")) and not settings.SETTINGS_MODULE.endswith(".test"):
        return [
            checks.Warning(
                "Clusters cannot be seen: their cache is private to one process.",
                hint="Use the file cache or Redis for the cache alias 'cluster'.",
                id="skillmeat.W001",
            )
        ]
    return []
