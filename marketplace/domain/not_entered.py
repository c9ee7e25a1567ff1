"""Links and submodules are never entered; where one stands in the place of an artifact, people are told."""

from __future__ import annotations

from collections.abc import Iterator

from marketplace.domain.candidates import Survey
from marketplace.domain.naming import (
    ARTIFACT_FOLDERS,
    MCP_FILE,
    SKILL_FILE,
    is_below,
    name_of,
    parent_of,
)
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.upstream.types import TreeItem

_MAX_EACH = 50
_FILE_NAMES = frozenset({SKILL_FILE, MCP_FILE, "plugin.json", "marketplace.json", "hooks.json"})


def not_entered_warnings(survey: Survey) -> Iterator[Warned]:
    """Yield a warning for each link and submodule in an artifact's place; after _MAX_EACH of a kind a count."""
    yield from _warnings(survey, survey.index.links, "symlink_not_followed", "a symbolic link")
    yield from _warnings(survey, survey.index.submodules, "submodule_not_entered", "a submodule")


def _warnings(survey: Survey, items: list[TreeItem], code: str, what: str) -> Iterator[Warned]:
    odd = [item.path for item in items if is_below(item.path, survey.root) and _is_artifact_place(survey, item.path)]
    for path in odd[:_MAX_EACH]:
        yield Warned(code, f"{what} where an artifact may be; what it points to is not looked at", path)
    if len(odd) > _MAX_EACH:
        yield Warned(code, f"and {len(odd) - _MAX_EACH:,} more")


def _is_artifact_place(survey: Survey, path: str) -> bool:
    """Tell whether an artifact, or a folder of them, would be expected at this path."""
    name, folder = name_of(path), parent_of(path)
    if survey.scopes.of(folder).skill is not None:
        return name == SKILL_FILE
    return name in ARTIFACT_FOLDERS or name in _FILE_NAMES or any(p in ARTIFACT_FOLDERS for p in folder.split("/"))
