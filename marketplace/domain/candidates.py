"""What the rules hand to each other: a place that may be an artifact, before its content is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from marketplace.domain.manifests import Documents, Manifests, Plugin, read_manifests
from marketplace.domain.naming import SKILL_FILE, folder_key, name_of, parent_of
from marketplace.domain.scopes import Home, Marks, Scope, Scopes
from marketplace.domain.tree_index import TreeIndex
from marketplace.domain.types import ArtifactType, Basis, DetectionOptions
from skillmeat_site.core.documents.text import usable_name
from skillmeat_site.core.documents.types import DocumentKind, Warned
from skillmeat_site.upstream.types import FileMode, TreeItem

_KINDS = {
    ArtifactType.SKILL: DocumentKind.FRONTMATTER,
    ArtifactType.COMMAND: DocumentKind.FRONTMATTER,
    ArtifactType.AGENT: DocumentKind.FRONTMATTER,
}


class Candidate(NamedTuple):
    """A place that is an artifact unless its content says otherwise. A NamedTuple: there are thousands of them.

    ``path``: folder ("" = root) or file, by type. ``item``: the file that makes it one; a folder's own item where it
    is one by the user's word alone. ``needs_content``: without its content it can not be shown. ``inline``: the value,
    where it is declared inside ``item``.
    """

    type: ArtifactType
    path: str
    item: TreeItem
    scope: Scope
    basis: Basis
    signals: tuple[str, ...] = ()
    namespace: str = ""
    discriminator: str = ""
    home: Home | None = None
    plugin: Plugin | None = None
    inline: Mapping[str, Any] | None = None
    needs_content: bool = False
    fixed_name: str = ""
    warnings: tuple[Warned, ...] = ()

    @property
    def kind(self) -> DocumentKind | None:
        """How the file is to be read; None where there is nothing to read."""
        if self.item.mode == FileMode.TREE:
            return None
        return _KINDS.get(self.type, DocumentKind.JSON)


@dataclass(frozen=True, slots=True)
class Survey:
    """A listing with everything the rules need to know about its folders."""

    index: TreeIndex
    options: DetectionOptions
    root: str
    manifests: Manifests
    scopes: Scopes
    plugin_names: Mapping[str, str]


def namespace_of(path: str, base: str) -> str:
    """Return the folders between ``base`` and a file as a command's namespace: joined by colons."""
    return parent_of(path)[len(base) :].strip("/").replace("/", ":")


def folder_name(folder: str, options: DetectionOptions) -> str:
    """Return what an artifact in ``folder`` is called by its place: the root is called after the repository."""
    return name_of(folder) or options.repository_name or "repository"


def survey_of(index: TreeIndex, options: DetectionOptions, documents: Documents) -> Survey:
    """Return what is known of a listing with ``documents`` read. Costs one pass over what the index holds."""
    root = folder_key(options.root_hint)
    mapped = {folder_key(folder): ArtifactType(type_) for folder, type_ in options.manual_map.items()}
    manifests = read_manifests(index, documents, root)
    names = {
        plugin.folder: usable_name(plugin.said("name")) or folder_name(plugin.folder, options)
        for plugin in reversed(manifests.plugins)
    }
    return Survey(index, options, root, manifests, Scopes(_marks_of(index, manifests, mapped, root)), names)


def _marks_of(index: TreeIndex, manifests: Manifests, mapped: Mapping[str, ArtifactType], root: str) -> Marks:
    """Return the folders of a listing that change what holds below them."""
    plugins = manifests.plugins
    return Marks(
        skills=frozenset(parent_of(item.path) for item in index.named(SKILL_FILE)),
        plugins=frozenset(plugin.folder for plugin in plugins),
        # The root is read whether it is a plugin or not.
        entry_only=frozenset(plugin.folder for plugin in plugins if plugin.folder and not plugin.has_manifest),
        live=frozenset(plugin.folder for plugin in plugins if plugin.offered),
        mapped=mapped,
        root=root,
    )
