"""From a candidate to a finding: what its content says is read, and what it is called is settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marketplace.domain.candidates import Candidate, Survey, folder_name
from marketplace.domain.content import HOOK_EVENTS, Facts, head_facts, hook_events, mcp_servers
from marketplace.domain.naming import PROJECT_FOLDER, collection_type, name_of, parent_of, stem_of
from marketplace.domain.scopes import Home
from marketplace.domain.types import ArtifactType, Basis
from skillmeat_site.core.documents.frontmatter import PLUGIN_ROOT_MARK
from skillmeat_site.core.documents.text import canonical_json, usable_name
from skillmeat_site.core.documents.types import Parsed, Warned

Described = tuple[str, Facts] | None
"""A name and what else the content says; None where the content shows that this is no artifact."""

_GENERIC_STEMS = {"hooks": "", "settings": "", ".mcp": "", "mcp": "", "server": "", "settings.local": "-local"}
"""File names that say nothing of what is in them: such a file is called after its owner, with this behind it."""

_MANIFEST_FIELDS = ("version", "author", "license", "homepage", "repository", "category", "dependencies", "strict")


def describe(candidate: Candidate, parsed: Parsed | None, survey: Survey) -> Described:
    """Return what a candidate is called and says of itself, reading ``parsed`` where its content is known."""
    if parsed is None and candidate.needs_content:
        return None
    described = _READERS[candidate.type](candidate, parsed, survey)
    if described is None or not candidate.fixed_name:
        return described
    return candidate.fixed_name, described[1]


def _skill(candidate: Candidate, parsed: Parsed | None, survey: Survey) -> Described:
    folder = folder_name(candidate.path, survey.options)
    if parsed is None:
        return folder, Facts()
    facts = head_facts(parsed, candidate.item.path)
    name = _declared_name(parsed.data, facts, candidate.item.path)
    if not facts.description:
        detail = "no frontmatter" if not parsed.has_head else "no description, which the specification requires"
        facts.warnings.append(Warned("no_description", detail, candidate.item.path))
    if name and candidate.path and name != name_of(candidate.path):
        detail = f"called {name}, in a folder called {name_of(candidate.path)}"
        facts.warnings.append(Warned("name_mismatch", detail, candidate.item.path))
    return name or folder, facts


def _command(candidate: Candidate, parsed: Parsed | None, _survey: Survey) -> Described:
    """Commands are called by their file name, whatever their head says, and need no head."""
    return stem_of(candidate.path), head_facts(parsed, candidate.path) if parsed is not None else Facts()


def _agent(candidate: Candidate, parsed: Parsed | None, _survey: Survey) -> Described:
    """In a project or at the root a file without a name is documentation; a plugin's is loaded all the same."""
    if parsed is None:
        return stem_of(candidate.path), Facts()
    facts = head_facts(parsed, candidate.path)
    name = _declared_name(parsed.data, facts, candidate.path)
    if not name and not (candidate.home is Home.PLUGIN or candidate.basis is Basis.MANUAL):
        return None
    if not name:
        facts.warnings.append(Warned("no_name", "the head has no name", candidate.path))
    if not parsed.has_head:
        facts.signals.append("no_head")
    elif not facts.description:
        facts.signals.append("no_description")
    if ":" in name:
        facts.warnings.append(Warned("name_with_colon", f"{name}: documented as not allowed", candidate.path))
    return name or stem_of(candidate.path), facts


def _plugin(candidate: Candidate, parsed: Parsed | None, survey: Survey) -> Described:
    folder = folder_name(candidate.path, survey.options)
    plugin, path = candidate.plugin, candidate.item.path
    if plugin is None:
        return folder, Facts()
    facts = Facts(warnings=[w._replace(path=path) for w in parsed.warnings] if parsed is not None else [])
    merged: dict[str, Any] = {}
    for statement in reversed(plugin.statements):
        merged |= statement.data
    facts.say(merged, path=path)
    facts.metadata = {key: merged[key] for key in _MANIFEST_FIELDS if key in merged}
    if plugin.offered:
        facts.metadata["offered"] = True
    name = usable_name(merged.get("name"))
    if name:
        facts.signals.append("described")
    elif plugin.statements:
        facts.warnings.append(Warned("no_name", "the manifest has no name", path))
    return name or folder, facts


def _marketplace(candidate: Candidate, parsed: Parsed | None, survey: Survey) -> Described:
    folder = folder_name(candidate.path, survey.options)
    if parsed is None:
        return folder, Facts()
    facts = Facts(warnings=[w._replace(path=candidate.item.path) for w in parsed.warnings])
    about = parsed.data.get("metadata")
    facts.say({**(about if isinstance(about, Mapping) else {}), **parsed.data}, path=candidate.item.path)
    for marketplace in survey.manifests.marketplaces:
        if marketplace.folder == candidate.path:
            facts.metadata = {"plugins_listed": marketplace.listed, "plugins_local": marketplace.local}
            facts.warnings += marketplace.warnings
    if "owner" in parsed.data:
        facts.metadata["owner"] = parsed.data["owner"]
    name = usable_name(parsed.data.get("name"))
    if name:
        facts.signals.append("described")
    return name or folder, facts


def _hook(candidate: Candidate, parsed: Parsed | None, survey: Survey) -> Described:
    """Hooks in a file. Settings without hooks are settings; a file the user maps as hook must at least hold some."""
    if parsed is None:
        return _owner_name(candidate, survey), Facts()
    events = hook_events(parsed.data)
    if not events and (candidate.needs_content or candidate.basis is Basis.MANUAL):
        return None
    facts = _json_facts(candidate, parsed)
    facts.metadata["events"] = sorted(events)
    unknown = sorted(set(events) - HOOK_EVENTS)
    if unknown:
        facts.warnings.append(Warned("unknown_event", ", ".join(unknown)[:200], candidate.item.path))
    facts.signals.append("described" if set(events) & HOOK_EVENTS else "no_event")
    return _owner_name(candidate, survey), facts


def _mcp(candidate: Candidate, parsed: Parsed | None, survey: Survey) -> Described:
    if parsed is None:
        return _owner_name(candidate, survey), Facts()
    servers = mcp_servers(parsed.data)
    if not servers and candidate.basis is Basis.MANUAL:
        return None
    facts = _json_facts(candidate, parsed)
    facts.metadata["servers"] = servers
    facts.signals.append("described" if servers else "no_server")
    return _owner_name(candidate, survey), facts


def _json_facts(candidate: Candidate, parsed: Parsed) -> Facts:
    """Return what a hook or MCP document says of itself, and whether it works without its plugin."""
    facts = Facts(warnings=[w._replace(path=candidate.item.path) for w in parsed.warnings])
    facts.say(parsed.data, path=candidate.item.path)
    if candidate.inline is not None:
        needs_plugin = PLUGIN_ROOT_MARK.encode() in canonical_json(candidate.inline)
    else:
        needs_plugin = PLUGIN_ROOT_MARK in parsed.marks
    if needs_plugin:
        facts.metadata["needs_plugin"] = True
    return facts


def _owner_name(candidate: Candidate, survey: Survey) -> str:
    """Return the name of a hook or MCP file: its own where that says something, else that of the plugin or folder."""
    stem = stem_of(candidate.path)
    if candidate.plugin is not None and candidate.inline is not None:
        return usable_name(candidate.plugin.said("name")) or folder_name(candidate.plugin.folder, survey.options)
    if stem not in _GENERIC_STEMS:
        return stem
    if candidate.scope.plugin is not None:
        owner = survey.plugin_names[candidate.scope.plugin]
    else:
        folder = parent_of(candidate.path)
        while name_of(folder) == PROJECT_FOLDER or collection_type(name_of(folder)) is not None:
            folder = parent_of(folder)
        owner = folder_name(folder, survey.options)
    return owner + _GENERIC_STEMS[stem]


def _declared_name(data: Mapping[str, Any], facts: Facts, path: str) -> str:
    """Return the name a head declares; "" with a warning where it is none that can be used."""
    name = usable_name(data.get("name"))
    if not name and data.get("name") not in (None, ""):
        facts.warnings.append(Warned("name_unusable", "the declared name cannot name a file or folder", path))
    return name


_READERS: Mapping[ArtifactType, Callable[[Candidate, Parsed | None, Survey], Described]] = {
    ArtifactType.SKILL: _skill,
    ArtifactType.COMMAND: _command,
    ArtifactType.AGENT: _agent,
    ArtifactType.PLUGIN: _plugin,
    ArtifactType.MARKETPLACE: _marketplace,
    ArtifactType.HOOK: _hook,
    ArtifactType.MCP: _mcp,
}
