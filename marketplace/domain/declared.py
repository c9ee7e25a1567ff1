"""What a plugin's statements name: files of commands, agents, hooks and MCP servers, and values in the JSON itself.

``commands`` and ``agents`` replace the plugin's folder of that name; ``skills`` adds to its skills, which are found by
their SKILL.md wherever they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from collections_app.domain.inline import inline_value
from marketplace.domain.candidates import Candidate, Survey, namespace_of
from marketplace.domain.layouts import context_signals
from marketplace.domain.manifests import Plugin, Statement, resolve
from marketplace.domain.naming import is_documentation, join, name_of, parent_of
from marketplace.domain.scopes import Home
from marketplace.domain.types import ArtifactType, Basis
from skillmeat_site.core.documents.text import usable_name
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.upstream.types import TreeItem

_FILE_KEYS = {"commands": (ArtifactType.COMMAND, ".md"), "agents": (ArtifactType.AGENT, ".md")}
_VALUE_KEYS = {"hooks": (ArtifactType.HOOK, ".json"), "mcpServers": (ArtifactType.MCP, ".json")}
_MAX_PATHS = 5_000  # of one key: a manifest is at most 256 KiB


@dataclass(slots=True)
class Declared:
    """What the statements of all plugins come to.

    ``named``: the files among ``candidates``. ``replaced``: default folders that are no longer read. ``warnings``: by
    the plugin's folder.
    """

    candidates: list[Candidate] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    warnings: dict[str, list[Warned]] = field(default_factory=dict)

    def warn(self, plugin: Plugin, code: str, detail: str, path: str) -> None:
        """Note something odd about a plugin's statements."""
        self.warnings.setdefault(plugin.folder, []).append(Warned(code, detail, path))


def declared_candidates(survey: Survey) -> Declared:
    """Return what the manifests read so far declare."""
    declared = Declared()
    for plugin in survey.manifests.plugins:
        for statement in plugin.components:
            for key, (type_, suffix) in _FILE_KEYS.items():
                _named_components(survey, declared, plugin, statement, key, type_, suffix)
            for key, (type_, suffix) in _VALUE_KEYS.items():
                _named_values(survey, declared, plugin, statement, key, type_, suffix)
            for _ in _places(survey, declared, plugin, statement, "skills"):
                pass  # found by their SKILL.md; only the warnings of those that are not here are wanted
    return declared


def _named_components(
    survey: Survey,
    declared: Declared,
    plugin: Plugin,
    statement: Statement,
    key: str,
    type_: ArtifactType,
    suffix: str,
) -> None:
    """Add the files that ``commands`` or ``agents`` names, one by one or by their folder.

    Where nothing that is named exists the default folder stays: a manifest that is out of date should not hide it.
    """
    named_any = False
    for place in _places(survey, declared, plugin, statement, key):
        if place in survey.index.files:
            named, base = [survey.index.files[place]], component_folder(place, key)
        else:
            named, base = [i for i in survey.index.below(place, suffix) if not _is_skipped(survey, i)], place
        for item in named:
            if item.path.endswith(suffix):
                named_any = True
                declared.named.add(item.path)
                declared.candidates.append(
                    _candidate(survey, plugin, type_, item, namespace=namespace_of(item.path, base))
                )
    if named_any:
        declared.replaced.add(join(plugin.folder, key))


def _is_skipped(survey: Survey, item: TreeItem) -> bool:
    """Tell whether a file in a named folder is documentation or part of a skill."""
    return is_documentation(name_of(item.path).removesuffix(".md")) or (
        survey.scopes.of(parent_of(item.path)).skill is not None
    )


def component_folder(path: str, name: str) -> str:
    """Return the nearest folder called ``name`` above a file, else the file's own folder: what namespaces start at."""
    folder = parent_of(path)
    while folder and name_of(folder) != name:
        folder = parent_of(folder)
    return folder or parent_of(path)


def _named_values(
    survey: Survey,
    declared: Declared,
    plugin: Plugin,
    statement: Statement,
    key: str,
    type_: ArtifactType,
    suffix: str,
) -> None:
    """Add the files that ``hooks`` or ``mcpServers`` names, and the value itself where one stands there."""
    value = inline_value(key, statement.data.get(key))
    if value is not None:
        declared.candidates.append(_inline(survey, plugin, statement, type_, value))
    if isinstance(statement.data.get(key), Mapping):
        return
    for place in _places(survey, declared, plugin, statement, key):
        if place in survey.index.files and place.endswith(suffix):
            declared.candidates.append(_candidate(survey, plugin, type_, survey.index.files[place]))


def _candidate(
    survey: Survey, plugin: Plugin, type_: ArtifactType, item: TreeItem, *, namespace: str = ""
) -> Candidate:
    scope = survey.scopes.of(parent_of(item.path))
    signals = ("named_by_manifest", "in_plugin", *context_signals(scope))
    return Candidate(
        type_, item.path, item, scope, Basis.MANIFEST, signals, namespace=namespace, home=Home.PLUGIN, plugin=plugin
    )


def _inline(
    survey: Survey, plugin: Plugin, statement: Statement, type_: ArtifactType, value: Mapping[str, Any]
) -> Candidate:
    """Return the candidate for a value inside a manifest. It is found at the manifest's own path.

    All entries of a marketplace share that path, so there the plugin's name tells them apart.
    """
    scope = survey.scopes.of(plugin.folder)
    return Candidate(
        type_,
        statement.item.path,
        statement.item,
        scope,
        Basis.MANIFEST,
        ("declared_inline", "in_plugin", *context_signals(scope)),
        discriminator=usable_name(statement.data.get("name")) if statement.is_entry else "",
        home=Home.PLUGIN,
        plugin=plugin,
        inline=value,
    )


def _places(survey: Survey, declared: Declared, plugin: Plugin, statement: Statement, key: str) -> Iterator[str]:
    """Yield the files and folders of the listing that a key names, and warn of those that are none."""
    for path in _paths(statement.data.get(key)):
        place = resolve(plugin.folder, path)
        if place is None:
            declared.warn(plugin, "unsafe_path", f"{key}: {path[:200]} leaves the plugin", statement.item.path)
        elif place in survey.index.files or place in survey.index.folders:
            yield place
        else:
            declared.warn(plugin, "manifest_path_missing", f"{key}: {path[:200]} is not here", statement.item.path)


def _paths(value: Any) -> Iterable[str]:
    """Return the paths a key holds: one, a list, or a mapping of names to ``{"source": path}``."""
    if isinstance(value, str):
        return (value,)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    found = (part.get("source") if isinstance(part, Mapping) else part for part in parts)
    return [path for path in found if isinstance(path, str) and path][:_MAX_PATHS]
