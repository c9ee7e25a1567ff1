"""The admin of sources, catalog entries and scan runs."""

from marketplace.admin import entries, runs, sources

__all__ = ["entries", "runs", "sources"]
