"""Folders in which no project is looked for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

PRUNED: Final = frozenset(
    {
        "node_modules", ".git", ".hg", ".svn", "venv", ".venv", "__pycache__", ".cache", ".tox", ".nox",
        ".mypy_cache", ".pytest_cache", ".ruff_cache", ".npm", ".yarn", ".pnpm-store", ".cargo", ".rustup", ".gradle",
        ".skillmeat",
    }
)  # fmt: skip
"""By name. ``build``, ``dist``, ``target`` and ``vendor`` are not among them: people keep projects in such folders."""
MARKERS: Final = frozenset({"pyvenv.cfg", "conda-meta", "CACHEDIR.TAG"})
"""What a folder holds that is a virtual environment, or says of itself that it is a cache."""
MAX_DEPTH: Final = 64
"""Folders inside one another below a root; deeper ones are an error, not passed over."""


def is_entered(name: str) -> bool:
    return name not in PRUNED


def is_marked(names: Collection[str]) -> bool:
    """Whether a folder with these names in it is a virtual environment or a cache."""
    return not MARKERS.isdisjoint(names)
