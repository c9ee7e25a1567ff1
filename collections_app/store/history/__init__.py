"""The history of all collections: one bare git repository, read and written through pygit2."""

from collections_app.store.history.history import History

__all__ = ["History"]
