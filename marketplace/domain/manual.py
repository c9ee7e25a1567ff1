"""A source's own word: folders mapped to a type, or the whole as one artifact. It wins over every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from marketplace.domain.candidates import Candidate, Survey, folder_name, namespace_of
from marketplace.domain.declared import component_folder
from marketplace.domain.manifests import Plugin
from marketplace.domain.naming import (
    ARTIFACT_FOLDERS,
    MARKETPLACE_MANIFEST,
    MCP_FILE,
    PLUGIN_MANIFEST,
    SKILL_FILE,
    is_below,
    is_documentation,
    join,
    name_of,
    parent_of,
    shown,
    stem_of,
)
from marketplace.domain.scopes import Mapped, Scope
from marketplace.domain.types import ArtifactType, Basis
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.upstream.types import FileMode, TreeItem

_FOLDER_FILES = {
    ArtifactType.SKILL: SKILL_FILE,
    ArtifactType.PLUGIN: PLUGIN_MANIFEST,
    ArtifactType.MARKETPLACE: MARKETPLACE_MANIFEST,
}
"""The file that makes a folder an artifact of its type."""

_FILE_SUFFIXES = {
    ArtifactType.COMMAND: ".md",
    ArtifactType.AGENT: ".md",
    ArtifactType.HOOK: ".json",
    ArtifactType.MCP: ".json",
}
_USUAL_FILES = {ArtifactType.HOOK: ("hooks/hooks.json", "hooks.json"), ArtifactType.MCP: (MCP_FILE, "mcp.json")}


def mapped_candidates(survey: Survey, warn: Callable[[Warned], None]) -> Iterator[Candidate]:
    """Yield what manual_map makes of the listing; a mapping that comes to nothing is warned of.

    A folder type takes every folder at or below the mapped one that has the type's own file; where none has, the
    mapped folder itself, or each folder in it if it is called after what it holds (``skills``). A file type takes
    every Markdown or JSON file at any depth. The nearest mapping above a place counts.
    """
    for folder, type_ in sorted(survey.scopes.mapped.items()):
        found = list(_mapped(survey, Mapped(folder, type_))) if folder in survey.index.folders else []
        yield from found
        if not found:
            why = "holds nothing of it" if folder in survey.index.folders else "is no folder here"
            warn(Warned("manual_map_unmatched", f"mapped to {type_}, but {why}", shown(folder)))


def _mapped(survey: Survey, mapped: Mapped) -> Iterator[Candidate]:
    if mapped.type in _FILE_SUFFIXES:
        yield from _mapped_files(survey, mapped)
        return
    manifest = _FOLDER_FILES[mapped.type]
    found = False
    for item in survey.index.below(mapped.folder, name_of(manifest)):
        folder = item.path[: -len(manifest)].rstrip("/")
        if join(folder, manifest) == item.path and survey.scopes.of(folder).mapped == mapped:
            found = True
            yield _folder(survey, mapped, folder, item)
    if found or mapped.type is ArtifactType.MARKETPLACE:
        return
    inner = _folders_in(survey, mapped.folder) if name_of(mapped.folder) in ARTIFACT_FOLDERS else [mapped.folder]
    for folder in inner:
        if survey.scopes.of(folder).mapped == mapped:
            yield _folder(survey, mapped, folder, TreeItem(folder, FileMode.TREE, survey.index.folders[folder]))


def _folder(survey: Survey, mapped: Mapped, folder: str, item: TreeItem) -> Candidate:
    scope = survey.scopes.of(folder)
    return Candidate(
        mapped.type, folder, item, scope, Basis.MANUAL, ("manual_map",), plugin=_plugin_at(survey, mapped.type, folder)
    )


def _mapped_files(survey: Survey, mapped: Mapped) -> Iterator[Candidate]:
    for item in survey.index.below(mapped.folder, _FILE_SUFFIXES[mapped.type]):
        scope = survey.scopes.of(parent_of(item.path))
        if scope.mapped != mapped or is_documentation(name_of(item.path).removesuffix(".md")):
            continue
        base = component_folder(item.path, f"{mapped.type}s")
        base = base if len(base) > len(mapped.folder) and name_of(base) == f"{mapped.type}s" else mapped.folder
        yield Candidate(
            mapped.type,
            item.path,
            item,
            scope,
            Basis.MANUAL,
            ("manual_map",),
            namespace=namespace_of(item.path, base),
        )


def _folders_in(survey: Survey, folder: str) -> list[str]:
    """Return the folders that lie directly in ``folder``, sorted."""
    return sorted(path for path in survey.index.folders if path and path != folder and parent_of(path) == folder)


def _plugin_at(survey: Survey, type_: ArtifactType, folder: str) -> Plugin | None:
    if type_ is not ArtifactType.PLUGIN:
        return None
    return next((plugin for plugin in survey.manifests.plugins if plugin.folder == folder), None)


def single_candidate(survey: Survey, type_: ArtifactType) -> Candidate:
    """Return the root that is looked at as one artifact, called after its last folder or the repository.

    A command, agent, hook or MCP file is the one such file in the folder. Where there is none or more than one the
    folder as a whole is it, with the warning ``not_one_file``.
    """
    root, index = survey.root, survey.index
    item, warnings = _single_item(survey, type_)
    is_folder_type = type_ in _FOLDER_FILES
    path = root if is_folder_type or item.mode == FileMode.TREE else item.path
    last = stem_of(root) if root in index.files else name_of(root)
    return Candidate(
        type_,
        path,
        item,
        Scope(),
        Basis.MANUAL,
        ("single_artifact",),
        plugin=_plugin_at(survey, type_, root),
        fixed_name=folder_name("" if last.startswith(".") else last, survey.options),
        warnings=warnings,
    )


def _single_item(survey: Survey, type_: ArtifactType) -> tuple[TreeItem, tuple[Warned, ...]]:
    """Return the file a single artifact is read from, else its folder."""
    root, index = survey.root, survey.index
    folder = TreeItem(root, FileMode.TREE, index.folders.get(root, ""))
    if root in index.files:
        return index.files[root], ()
    if type_ in _FOLDER_FILES:
        return index.files.get(join(root, _FOLDER_FILES[type_]), folder), ()
    for usual in _USUAL_FILES.get(type_, ()):
        if join(root, usual) in index.files:
            return index.files[join(root, usual)], ()
    files = [
        item
        for item in index.directly_in(root, _FILE_SUFFIXES[type_])
        if not is_documentation(name_of(item.path).removesuffix(".md")) and is_below(item.path, root)
    ]
    if len(files) == 1:
        return files[0], ()
    return folder, (Warned("not_one_file", f"{len(files)} files that may be the {type_}", shown(root)),)
