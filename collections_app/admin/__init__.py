"""The admin of collections, artifacts and snapshots."""

from collections_app.admin import artifacts, collections, snapshots

__all__ = ["artifacts", "collections", "snapshots"]
