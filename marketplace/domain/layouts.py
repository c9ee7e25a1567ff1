"""What paths alone tell: one small rule for each type of artifact.

Each rule yields candidates with the signals its place gives; what their content adds or takes away is decided in
``describe``. Sources of the rules: the Agent Skills specification, and the Claude Code pages on skills, commands,
subagents, plugins, marketplaces, hooks, MCP and settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from marketplace.domain.candidates import Candidate, Survey, namespace_of
from marketplace.domain.naming import (
    FOREIGN_SUFFIXES,
    MCP_FILE,
    PROJECT_FOLDER,
    SETTINGS_FILES,
    is_documentation,
    is_weak_file,
    is_weak_folder,
    join,
    name_of,
    parent_of,
    stem_of,
    translated_name,
)
from marketplace.domain.scopes import Home, Scope
from marketplace.domain.tree_index import TreeIndex
from marketplace.domain.types import ArtifactType, Basis
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.upstream.types import TreeItem


def layout_candidates(survey: Survey) -> Iterator[Candidate]:
    """Yield all that the listing's paths and the plugins known so far tell to be an artifact."""
    for rule in _RULES:
        yield from rule(survey)


def context_signals(scope: Scope) -> tuple[str, ...]:
    """Return what stands against everything in a folder because of the folders above it."""
    return (f"context_{scope.context}",) if scope.context else ()


def file_signals(index: TreeIndex, path: str) -> list[str]:
    """Return what the name of a Markdown file says against it."""
    folder, _, name = path.rpartition("/")
    signals = ["weak_name"] if is_weak_file(stem_of(name)) else []
    if name.endswith(FOREIGN_SUFFIXES):
        signals.append("other_format")
    elif (original := translated_name(name)) and join(folder, original) in index.files:
        signals.append("translated")
    return signals


def _marketplaces(survey: Survey) -> Iterator[Candidate]:
    """``.claude-plugin/marketplace.json``; below the root nobody would add it by this repository's name."""
    for marketplace in survey.manifests.marketplaces:
        scope = survey.scopes.of(marketplace.folder)
        at_root = marketplace.folder in ("", survey.root)
        signals = ("marketplace_manifest", "standard_place" if at_root else "not_at_root", *context_signals(scope))
        yield Candidate(ArtifactType.MARKETPLACE, marketplace.folder, marketplace.file, scope, Basis.LAYOUT, signals)


def _plugins(survey: Survey) -> Iterator[Candidate]:
    """Folders with a plugin.json, and local folders a marketplace offers."""
    for plugin in survey.manifests.plugins:
        scope = survey.scopes.of(plugin.folder)
        basis = Basis.LAYOUT if plugin.has_manifest else Basis.MANIFEST
        signals = ["plugin_manifest" if plugin.has_manifest else "marketplace_entry"]
        signals += ["offered"] if plugin.offered else []
        yield Candidate(
            ArtifactType.PLUGIN,
            plugin.folder,
            plugin.file,
            scope,
            basis,
            (*signals, *context_signals(scope)),
            discriminator=plugin.discriminator,
            plugin=plugin,
        )


def _skills(survey: Survey) -> Iterator[Candidate]:
    """A folder with a SKILL.md, anywhere; in another spelling it is an uncertain one."""
    index = survey.index
    for item in index.named("SKILL.md"):
        yield _skill(survey, item, "skill_file")
    for item in index.skill_variants:
        if join(parent_of(item.path), "SKILL.md") not in index.files:
            yield _skill(survey, item, "skill_file_case")


def _skill(survey: Survey, item: TreeItem, first_signal: str) -> Candidate:
    folder = parent_of(item.path)
    scope, above = survey.scopes.of(folder), survey.scopes.above(folder)
    signals = [first_signal, *_own_plugin(scope)]
    if name_of(parent_of(folder)) == "skills" or scope.plugin == folder:
        signals.append("standard_place")
    if is_weak_folder(name_of(folder)):
        signals.append("weak_name")
    if scope.plugin == folder and join(folder, "skills") in survey.index.folders:
        signals.append("beside_skills")  # documented: a plugin with skills/ does not load the one at its root
    elif above.skill is not None:
        signals.append("inside_a_skill")
    found = Candidate(ArtifactType.SKILL, folder, item, scope, Basis.LAYOUT, (*signals, *context_signals(scope)))
    if first_signal == "skill_file":
        return found
    detail = f"{name_of(item.path)}: the specification names it SKILL.md, and not every tool reads another spelling"
    return found._replace(warnings=(Warned("skill_file_case", detail, item.path),))


def _components(survey: Survey) -> Iterator[Candidate]:
    """Markdown at any depth below a commands/ or agents/ folder that is read."""
    for item in survey.index.markdown:
        folder, _, name = item.path.rpartition("/")
        scope = survey.scopes.of(folder)
        component = scope.component
        if component is None or scope.skill is not None or is_documentation(name.removesuffix(".md")):
            continue
        signals = [f"{component.type}_folder", *_home_signals(component.home), *_own_plugin(scope)]
        signals += file_signals(survey.index, item.path)
        yield Candidate(
            component.type,
            item.path,
            item,
            scope,
            component.basis,
            (*signals, *context_signals(scope)),
            namespace=namespace_of(item.path, component.base),
            home=component.home,
        )


def _hooks(survey: Survey) -> Iterator[Candidate]:
    """``hooks/hooks.json`` of a plugin or of the root."""
    for item in survey.index.named("hooks.json"):
        folder = parent_of(item.path)
        if name_of(folder) == "hooks" and survey.scopes.home(parent_of(folder)) in (Home.PLUGIN, Home.REPOSITORY):
            yield _file_at_home(survey, ArtifactType.HOOK, item, parent_of(folder), "hooks_file")


def _settings(survey: Survey) -> Iterator[Candidate]:
    """Settings of a project: hooks only if they hold some, which the path cannot tell."""
    for name in SETTINGS_FILES:
        for item in survey.index.named(name):
            folder = parent_of(item.path)
            scope = survey.scopes.of(folder)
            if name_of(folder) == PROJECT_FOLDER and scope.skill is None:
                yield Candidate(
                    ArtifactType.HOOK,
                    item.path,
                    item,
                    scope,
                    Basis.CONTENT,
                    ("settings_hooks", *context_signals(scope)),
                    home=Home.PROJECT,
                    needs_content=True,
                )


def _mcp_files(survey: Survey) -> Iterator[Candidate]:
    """``.mcp.json``: of a plugin or of the root it is read; elsewhere it may be a pattern to copy from."""
    for item in survey.index.named(MCP_FILE):
        folder = parent_of(item.path)
        if survey.scopes.home(folder) in (Home.PLUGIN, Home.REPOSITORY):
            yield _file_at_home(survey, ArtifactType.MCP, item, folder, "mcp_file")
        elif (scope := survey.scopes.of(folder)).skill is None:
            signals = ("mcp_file", "not_at_root", *context_signals(scope))
            yield Candidate(ArtifactType.MCP, item.path, item, scope, Basis.LAYOUT, signals)


def _file_at_home(survey: Survey, type_: ArtifactType, item: TreeItem, home: str, signal: str) -> Candidate:
    scope = survey.scopes.of(home)
    signals = (signal, "standard_place", *_own_plugin(scope), *context_signals(scope))
    return Candidate(type_, item.path, item, scope, survey.scopes.basis(home), signals, home=survey.scopes.home(home))


def _home_signals(home: Home) -> tuple[str, ...]:
    return ("other_client",) if home is Home.CLIENT else ("standard_place",)


def _own_plugin(scope: Scope) -> tuple[str, ...]:
    return ("in_plugin",) if scope.plugin is not None else ()


_RULES: tuple[Callable[[Survey], Iterator[Candidate]], ...] = (
    _marketplaces,
    _plugins,
    _skills,
    _components,
    _hooks,
    _settings,
    _mcp_files,
)
