"""Structured logs on stderr: JSON lines for machines, colours for a terminal. Secrets are redacted in one place."""

import sys
from typing import Any

import structlog

from skillmeat_site.core.logs import SHARED_PROCESSORS
from skillmeat_site.settings.env import env

SKILLMEAT_LOG_FORMAT = env.choice(
    "SKILLMEAT_LOG_FORMAT", "console" if sys.stderr.isatty() else "json", ("console", "json")
)
SKILLMEAT_LOG_LEVEL = env.choice("SKILLMEAT_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))

_RENDERER = (
    structlog.dev.ConsoleRenderer()
    if SKILLMEAT_LOG_FORMAT == "console"
    else structlog.processors.JSONRenderer(ensure_ascii=False)
)

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": SHARED_PROCESSORS,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _RENDERER],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": SKILLMEAT_LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
