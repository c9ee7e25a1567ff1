"""SQLite by default, PostgreSQL by DATABASE_URL; caches in files, or Redis by REDIS_URL."""

from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from skillmeat_site.settings.env import env
from skillmeat_site.settings.paths import SKILLMEAT_HOME

# Without IMMEDIATE a transaction that reads first and then writes fails at once with "database is locked",
# whatever the timeout; without WAL readers block the writer. What is mapped is read without a system call a page,
# and stays warm from one connection to the next: a request has its own.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=67108864;"
        "PRAGMA mmap_size=268435456"
    ),
}


def database(url: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(
            "DATABASE_URL is not valid: it must look like sqlite:////path/file or postgres://user@host:5432/name."
        ) from error
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = SQLITE_OPTIONS
        config["CONN_MAX_AGE"] = 0
    elif config["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name an sqlite or postgres database.")
    return config


DATABASES = {"default": database(env.text("DATABASE_URL", f"sqlite:///{SKILLMEAT_HOME / 'skillmeat.sqlite3'}"))}
# An index that carries more columns on PostgreSQL is the plain one on SQLite, which has to do without.
SILENCED_SYSTEM_CHECKS = ["models.W040"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")


def cache(name: str) -> dict[str, Any]:
    if REDIS_URL:
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": name}
    return {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(SKILLMEAT_HOME / "cache" / name),
    }


# "cluster" is where django-q2 tells that it lives: it has to be shared by all processes.
CACHES = {"default": cache("default"), "cluster": cache("cluster")}
