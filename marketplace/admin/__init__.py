"""The admin of sources, catalog entries, scan runs and suggested tags."""

from marketplace.admin import entries, runs, sources, tags

__all__ = ["entries", "runs", "sources", "tags"]
