"""What holds for everything in a folder: whose it is, and what speaks against it.

A scope is handed down from a folder to those in it and changes only where a folder's name or contents say so. Each
folder is worked out once, from its parent's; folders in which nothing was found are never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from marketplace.domain.naming import (
    ARTIFACT_FOLDERS,
    COMPONENT_FOLDERS,
    MANIFEST_FOLDER,
    PROJECT_FOLDER,
    context_of,
    name_of,
    parent_of,
)
from marketplace.domain.types import ArtifactType, Basis


class Home(StrEnum):
    """The kind of folder whose commands/, agents/, hooks/ and .mcp.json are read."""

    REPOSITORY = "repository"  # the root of the repository or of the part of it that is looked at
    PROJECT = "project"  # .claude
    PLUGIN = "plugin"
    CLIENT = "client"  # the hidden folder of another client: .agents, .codex, .cursor ...


class Component(NamedTuple):
    """A folder commands/ or agents/ that is read: what it holds, its path, and what kind of folder it lies in.

    ``basis`` tells whether paths alone make that folder one that is read.
    """

    type: ArtifactType
    base: str
    home: Home
    basis: Basis


class Mapped(NamedTuple):
    """An entry of manual_map."""

    folder: str
    type: ArtifactType


class Scope(NamedTuple):
    """What a folder's place says of the files in it.

    ``plugin``: nearest plugin root. ``skill``: the skill folder all of this is a part of. ``component``: the commands/
    or agents/ folder this is in. ``client``: name of another client's folder above. ``context``: a key of the context
    words, if one of them stands above. ``sealed``: below a folder called after artifacts, where names are the
    artifacts' own.
    """

    plugin: str | None = None
    skill: str | None = None
    component: Component | None = None
    client: str = ""
    context: str = ""
    sealed: bool = False
    mapped: Mapped | None = None


class Marks(NamedTuple):
    """The folders that change what holds below them."""

    skills: frozenset[str]
    plugins: frozenset[str]
    entry_only: frozenset[str]  # plugins that have no manifest of their own
    live: frozenset[str]  # plugins the root marketplace offers: meant for use whatever their folder is called
    mapped: Mapping[str, ArtifactType]
    root: str = ""  # where looking starts; above it, folder names are no context


class Scopes:
    """The scope of every folder asked for, remembered."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._known: dict[str, Scope] = {"": self._enter(Scope(), "")}

    @property
    def mapped(self) -> Mapping[str, ArtifactType]:
        """The source's manual_map, by folder."""
        return self._marks.mapped

    def of(self, folder: str) -> Scope:
        """Return the scope of the files in ``folder``."""
        known = self._known.get(folder)
        if known is not None:
            return known
        waiting = []
        while folder not in self._known:
            waiting.append(folder)
            folder = parent_of(folder)
        scope = self._known[folder]
        for folder in reversed(waiting):
            scope = self._known[folder] = self._enter(scope, folder)
        return scope

    def above(self, folder: str) -> Scope:
        """Return the scope a folder itself lies in; an empty one for the root."""
        return self.of(parent_of(folder)) if folder else Scope()

    def home(self, folder: str) -> Home | None:
        """Tell whether a folder's own commands/, agents/, hooks/ and .mcp.json are read, and as what."""
        if folder in self._marks.plugins:
            return Home.PLUGIN
        if folder in ("", self._marks.root):
            return Home.REPOSITORY
        name = name_of(folder)
        if name == PROJECT_FOLDER:
            return Home.PROJECT
        if _is_client(name) and not self.above(folder).sealed:
            return Home.CLIENT
        return None

    def basis(self, home: str) -> Basis:
        """Tell whether paths alone make ``home`` a folder that is read, or only a marketplace's entry does."""
        return Basis.MANIFEST if home in self._marks.entry_only and home != self._marks.root else Basis.LAYOUT

    def _enter(self, outer: Scope, folder: str) -> Scope:
        """Return the scope inside ``folder``, which lies in ``outer``. Later steps undo earlier ones."""
        marks, name = self._marks, name_of(folder)
        scope = self._enter_component(outer, folder, name) if folder else outer
        plugin, skill, component, client, context, sealed, mapped = scope
        if folder in marks.skills:
            skill = folder
        if name == PROJECT_FOLDER:
            skill, component, client, sealed = None, None, "", False
        if folder in marks.plugins:
            plugin, skill, component, sealed = folder, None, None, False
            context = "" if folder in marks.live else context
        if folder == marks.root:
            context = ""
        if folder in marks.mapped:
            mapped = Mapped(folder, marks.mapped[folder])
        return Scope(plugin, skill, component, client, context, sealed, mapped)

    def _enter_component(self, outer: Scope, folder: str, name: str) -> Scope:
        """Return what a folder's name alone makes of the scope."""
        if outer.component is not None or (outer.sealed and name not in ARTIFACT_FOLDERS):
            return outer
        plugin, skill, component, client, context, sealed, mapped = outer
        parent = parent_of(folder)
        if name in ARTIFACT_FOLDERS:
            sealed = True
            home = self.home(parent) if name in COMPONENT_FOLDERS and skill is None else None
            if home is not None:
                component = Component(COMPONENT_FOLDERS[name], folder, home, self.basis(parent))
            if name == "skills" and skill == parent:
                skill = None  # a skill's own skills/ holds skills in their own right, not parts of it
        elif _is_client(name):
            client = name
        elif not context:
            context = context_of(name)
        return Scope(plugin, skill, component, client, context, sealed, mapped)


def _is_client(name: str) -> bool:
    """Tell whether a folder is another client's. Clients keep their things in a hidden folder of their own."""
    return name.startswith(".") and name not in (PROJECT_FOLDER, MANIFEST_FOLDER)
