"""Artifacts that only reading the file tells: collections sorted by category, configurations to copy from.

A place outside all folders that are read is a candidate by its name, and an artifact by its content. The candidates
depend on the listing alone as far as possible, so that one batch of documents answers them all: every Markdown file
below a folder called after commands or agents, JSON below one called after hooks or MCP, and Markdown anywhere else
where there is little of it. What lies inside a skill is the skill's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from marketplace.domain.candidates import Candidate, Survey, namespace_of
from marketplace.domain.evidence import holds_hooks, holds_servers, is_foreign, markdown_type
from marketplace.domain.layouts import context_signals, file_signals
from marketplace.domain.manifests import Documents
from marketplace.domain.naming import (
    FOREIGN_SUFFIXES,
    HOOKS_FILE,
    SETTINGS_FILES,
    collection_type,
    is_below,
    is_documentation,
    join,
    name_of,
    parent_of,
)
from marketplace.domain.scopes import Scope
from marketplace.domain.types import ArtifactType, Basis
from skillmeat_site.core.documents.frontmatter import MAX_DOCUMENT_BYTES
from skillmeat_site.core.documents.types import DocumentKind
from skillmeat_site.upstream.types import TreeItem

MAX_LOOSE: Final = 500
"""Of Markdown in folders that say nothing, more than this is a documentation site: then none of it is read."""
MAX_CONFIGS: Final = 2_000
"""Of JSON below hooks and MCP folders, no more than this is read, by the listing's order."""

_MARKDOWN_TYPES = frozenset({ArtifactType.COMMAND, ArtifactType.AGENT})
_JSON_TYPES = frozenset({ArtifactType.HOOK, ArtifactType.MCP})

_BUILD_FILES: Final = frozenset({"package.json", "package-lock.json", "tsconfig.json", "composer.json", "deno.json"})
"""JSON that every project has: below ``mcp/`` it is the build of a server."""

_HOLDS: Mapping[ArtifactType, Callable[[Mapping[str, Any]], bool]] = {
    ArtifactType.HOOK: holds_hooks,
    ArtifactType.MCP: holds_servers,
}
"""What a JSON file of each type must hold."""


class _Page(NamedTuple):
    """A Markdown file that may be a command or an agent.

    ``type``: what the folder ``base`` above it is called after, if any; at the root, what the repository is.
    """

    item: TreeItem
    scope: Scope
    type: ArtifactType | None = None
    base: str = ""


def content_candidates(survey: Survey, documents: Documents) -> Iterator[Candidate]:
    """Yield what the documents read so far show to be an artifact, and everything that must be read to know.

    All need their content: without it none of them is shown.
    """
    yield from _markdown(survey, documents)
    yield from _configs(survey, documents)


def _markdown(survey: Survey, documents: Documents) -> Iterator[Candidate]:
    pages = [*_collected(survey), *_loose(survey)]
    read = [(page, documents.get((page.item.oid, DocumentKind.FRONTMATTER))) for page in pages]
    told = {page.item.path: markdown_type(parsed, page.type) for page, parsed in read if parsed is not None}
    collections = {page.base for page in pages if told.get(page.item.path) is ArtifactType.COMMAND is page.type}
    for page, parsed in read:
        type_ = told.get(page.item.path)
        if parsed is None:
            yield _found(survey, page, page.type or ArtifactType.COMMAND, "content_command")
        elif type_ is not None:
            yield _found(survey, page, type_, f"content_{type_}")
        # A command needs no head: where others show that the folder holds commands, plain text is one too.
        elif page.base and page.base in collections and not is_foreign(parsed):
            yield _found(survey, page, ArtifactType.COMMAND, "beside_commands")


def _found(survey: Survey, page: _Page, type_: ArtifactType, signal: str) -> Candidate:
    signals = (signal, *_client(page.scope), *file_signals(survey.index, page.item.path), *context_signals(page.scope))
    return Candidate(
        type_,
        page.item.path,
        page.item,
        page.scope,
        Basis.CONTENT,
        signals,
        namespace=namespace_of(page.item.path, page.base) if page.type is type_ else "",
        needs_content=True,
    )


def _client(scope: Scope) -> tuple[str, ...]:
    return ("other_client",) if scope.client else ()


def _collected(survey: Survey) -> Iterator[_Page]:
    """Yield Markdown below a folder called after commands or agents that lies in no place that is read."""
    for item in survey.index.markdown:
        type_, base = _collection(parent_of(item.path), _MARKDOWN_TYPES)
        if type_ is not None and (scope := _free_scope(survey, item)) is not None:
            yield _Page(item, scope, type_, base)


def _loose(survey: Survey) -> Iterator[_Page]:
    """Yield Markdown in folders that say nothing: all, where there is little of it, else that beside a plugin.json."""
    pages = list(islice(_all_loose(survey), MAX_LOOSE + 1))
    if len(pages) <= MAX_LOOSE:
        yield from pages
        return
    for plugin in survey.manifests.plugins:
        if plugin.has_manifest:
            yield from _loose_pages(survey, survey.index.directly_in(plugin.folder, ".md"))


def _all_loose(survey: Survey) -> Iterator[_Page]:
    index = survey.index
    named_so = (item for item in index.markdown if _collection(parent_of(item.path), _MARKDOWN_TYPES)[0] is None)
    return _loose_pages(survey, chain(index.loose_markdown, named_so))


def _loose_pages(survey: Survey, items: Iterable[TreeItem]) -> Iterator[_Page]:
    """Yield what may be an artifact. In docs, tests and templates a head is there to be looked at."""
    # A repository called "commands" is what others keep in a folder of that name.
    called = collection_type(survey.options.repository_name)
    type_ = called if called in _MARKDOWN_TYPES else None
    for item in items:
        name = name_of(item.path)
        # In capitals it is about the project (ROADMAP.md); with a suffix of theirs it is another product's.
        if name.removesuffix(".md").isupper() or name.endswith(FOREIGN_SUFFIXES):
            continue
        scope = _free_scope(survey, item)
        if scope is not None and not scope.context and not scope.client:
            yield _Page(item, scope, type_)


def _free_scope(survey: Survey, item: TreeItem) -> Scope | None:
    """Return the scope of a file that no other rule speaks for and that is small enough to be read, else None."""
    if (item.size or 0) > MAX_DOCUMENT_BYTES or is_documentation(name_of(item.path).removesuffix(".md")):
        return None
    scope = survey.scopes.of(parent_of(item.path))
    return scope if scope.component is None and scope.skill is None and is_below(item.path, survey.root) else None


def _collection(folder: str, types: frozenset[ArtifactType]) -> tuple[ArtifactType | None, str]:
    """Return the nearest folder at or above ``folder`` that is called after one of ``types``, and after which."""
    while folder:
        type_ = collection_type(name_of(folder))
        if type_ in types:
            return type_, folder
        folder = parent_of(folder)
    return None, ""


def _configs(survey: Survey, documents: Documents) -> Iterator[Candidate]:
    """Yield JSON that holds hooks or MCP servers, in a place called after them."""
    for item, scope in islice(_all_configs(survey), MAX_CONFIGS):
        parsed = documents.get((item.oid, DocumentKind.JSON))
        for type_, place in _config_types(item.path).items():
            if parsed is None or _HOLDS[type_](parsed.data):
                signals = (f"content_{type_}", *place, *context_signals(scope))
                yield Candidate(type_, item.path, item, scope, Basis.CONTENT, signals, needs_content=True)


def _all_configs(survey: Survey) -> Iterator[tuple[TreeItem, Scope]]:
    """Yield JSON that may be a configuration, but not another client's: its format is another one."""
    index = survey.index
    for item in chain(index.configs, index.named(name_of(HOOKS_FILE)), *map(index.named, SETTINGS_FILES)):
        if name_of(item.path) in _BUILD_FILES or not _config_types(item.path):
            continue
        scope = _free_scope(survey, item)
        if scope is not None and not scope.client and not _in_plugins_hooks(item.path, scope):
            yield item, scope


def _in_plugins_hooks(path: str, scope: Scope) -> bool:
    """Tell whether a file lies in a plugin's own hooks/: of that folder only what the manifest names is loaded."""
    return scope.plugin is not None and is_below(path, join(scope.plugin, parent_of(HOOKS_FILE)))


def _config_types(path: str) -> dict[ArtifactType, tuple[str, ...]]:
    """Return what a JSON file may be by its place, each with the signals of that place."""
    name = name_of(path)
    found: dict[ArtifactType, tuple[str, ...]] = {}
    type_, _ = _collection(parent_of(path), _JSON_TYPES)
    if type_ is not None:
        found[type_] = ()
    if name == name_of(HOOKS_FILE) or name.endswith(SETTINGS_FILES):
        found.setdefault(ArtifactType.HOOK, ())
    if name == "mcp.json":
        found.setdefault(ArtifactType.MCP, ("not_at_root",))
    return found
