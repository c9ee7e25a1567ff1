"""The admin of sources, catalog entries, scan runs and suggested tags."""

from marketplace.admin import deliveries, entries, navigation, runs, sources, tags

__all__ = ["deliveries", "entries", "navigation", "runs", "sources", "tags"]
