"""The admin of sources, catalog entries, scan runs and suggested tags."""

from marketplace.admin import dashboard, deliveries, entries, navigation, runs, sources, tags

__all__ = ["dashboard", "deliveries", "entries", "navigation", "runs", "sources", "tags"]
