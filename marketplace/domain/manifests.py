"""What plugin.json and marketplace.json declare, resolved against the listing.

A plugin is a folder with a manifest of its own, or a local folder that a marketplace names as an entry's source (the
manifest is documented as optional). Entries with an external source are counted and are no artifacts here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from marketplace.domain.naming import (
    MARKETPLACE_MANIFEST,
    PLUGIN_MANIFEST,
    folder_key,
    join,
)
from marketplace.domain.tree_index import TreeIndex
from skillmeat_site.core.documents.text import usable_name
from skillmeat_site.core.documents.types import DocumentKind, Parsed, Warned
from skillmeat_site.upstream.types import TreeItem

Documents = Mapping[tuple[str, DocumentKind], Parsed]
"""What was read so far, by blob id and kind."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One place that describes a plugin: its own manifest, or an entry of a marketplace."""

    item: TreeItem  # the JSON file it stands in
    data: Mapping[str, Any]
    is_entry: bool = False


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin of the listing.

    ``folder`` is "" at the root. ``statements``: its own manifest before the marketplace's entry; empty where nothing
    was read yet. ``offered``: the root marketplace lists it. ``discriminator``: its name, where several entries share
    a folder.
    """

    folder: str
    file: TreeItem
    statements: tuple[Statement, ...] = ()
    has_manifest: bool = True
    offered: bool = False
    discriminator: str = ""

    def said(self, key: str) -> Any:
        """Return the first value a statement has for ``key``, else None."""
        return next((s.data[key] for s in self.statements if s.data.get(key) not in (None, "")), None)

    @property
    def components(self) -> tuple[Statement, ...]:
        """The statements whose component paths count: with ``strict: false`` the entry alone."""
        sole = tuple(s for s in self.statements if s.is_entry and s.data.get("strict") is False)
        return sole or self.statements


@dataclass(slots=True)
class Marketplace:
    """One marketplace.json, and what became of its entries. ``data`` is None where it was not read."""

    folder: str
    file: TreeItem
    data: Mapping[str, Any] | None = None
    listed: int = 0
    local: int = 0
    warnings: list[Warned] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Manifests:
    """All plugins and marketplaces of a listing, as far as they are known."""

    plugins: tuple[Plugin, ...]
    marketplaces: tuple[Marketplace, ...]

    @property
    def files(self) -> tuple[tuple[str, TreeItem], ...]:
        """The manifests themselves, wherever they lie, each with the folder it speaks for."""
        marketplaces = tuple((marketplace.folder, marketplace.file) for marketplace in self.marketplaces)
        return marketplaces + tuple((plugin.folder, plugin.file) for plugin in self.plugins)


def read_manifests(index: TreeIndex, documents: Documents, root: str = "") -> Manifests:
    """Return what the listing's manifests declare, as far as ``documents`` holds them.

    Entries count where the marketplace lies at the root or at ``root``: one further down is not what a user would add.
    """
    own = {folder: item for item, folder in _at(index, PLUGIN_MANIFEST)}
    marketplaces = [Marketplace(folder, item) for item, folder in _at(index, MARKETPLACE_MANIFEST)]
    entries: dict[str, list[Statement]] = {}
    for marketplace in marketplaces:
        parsed = documents.get((marketplace.file.oid, DocumentKind.JSON))
        if parsed is None:
            continue
        marketplace.data = parsed.data
        for folder, statement in _local_entries(index, marketplace):
            if marketplace.folder in ("", root):
                entries.setdefault(folder, []).append(statement)
    plugins: list[Plugin] = []
    for folder in {**own, **entries}:
        plugins += _plugins_in(folder, own.get(folder), entries.get(folder, []), documents)
    return Manifests(tuple(plugins), tuple(marketplaces))


def _at(index: TreeIndex, manifest: str) -> Iterator[tuple[TreeItem, str]]:
    """Yield the manifests of one kind with the folder each belongs to."""
    folder_part, _, name = manifest.rpartition("/")
    for item in index.named(name):
        above = item.path[: -len(name) - 1]
        if above == folder_part or above.endswith("/" + folder_part):
            yield item, above[: -len(folder_part)].rstrip("/")


def _plugins_in(
    folder: str, manifest: TreeItem | None, entries: list[Statement], documents: Documents
) -> Iterator[Plugin]:
    """Yield the plugins one folder is: one, or one for each entry where several entries share it."""
    statements: tuple[Statement, ...] = ()
    if manifest is not None:
        parsed = documents.get((manifest.oid, DocumentKind.JSON))
        statements = (Statement(manifest, parsed.data),) if parsed is not None else ()
    if not entries and manifest is not None:
        yield Plugin(folder, manifest, statements)
    several = len(entries) > 1
    for entry in entries:
        yield Plugin(
            folder,
            manifest or entry.item,
            # Where several entries share a folder, each entry's own words come first: they tell them apart.
            (entry, *statements) if several else (*statements, entry),
            has_manifest=manifest is not None,
            offered=True,
            discriminator=usable_name(entry.data.get("name")) if several else "",
        )


def _local_entries(index: TreeIndex, marketplace: Marketplace) -> Iterator[tuple[str, Statement]]:
    """Yield the entries whose source is a folder here; count all, and warn of local ones that are missing."""
    data = marketplace.data or {}
    listed = data.get("plugins")
    metadata = data.get("metadata")
    plugin_root = metadata.get("pluginRoot") if isinstance(metadata, Mapping) else None
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, Mapping):
            continue
        marketplace.listed += 1
        source = entry.get("source")
        if not isinstance(source, str):
            continue
        folder = _source_folder(index, marketplace.folder, source, plugin_root if isinstance(plugin_root, str) else "")
        if folder is None:
            detail = f"entry {usable_name(entry.get('name')) or '?'}: {source[:200]} is no folder here"
            marketplace.warnings.append(Warned("plugin_source_missing", detail, marketplace.file.path))
        else:
            marketplace.local += 1
            yield folder, Statement(marketplace.file, entry, is_entry=True)


def _source_folder(index: TreeIndex, base: str, source: str, plugin_root: str) -> str | None:
    """Return the folder a relative source means, or None.

    ``./x`` starts at the marketplace's root; a bare ``x`` starts at metadata.pluginRoot. Where that is no folder the
    other reading is tried, since published marketplaces mix the two up.
    """
    readings = [source, join(plugin_root, source)]
    for reading in readings if source.startswith(".") else reversed(readings):
        folder = resolve(base, reading)
        if folder is not None and folder in index.folders:
            return folder
    return None


def resolve(base: str, path: str) -> str | None:
    """Return the place that a manifest's relative path means; None where it is absolute or climbs out."""
    if path.startswith(("/", "\\", "~")) or ".." in path.split("/"):
        return None
    return join(base, folder_key(path))
