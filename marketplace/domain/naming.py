"""What names mean: file names that are artifacts or documentation, folder names that say what lies below them.

All of it is data; the rules that read it are in ``scopes``, ``layouts`` and ``declared``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from marketplace.domain.types import ArtifactType

SKILL_FILE: Final = "SKILL.md"
PLUGIN_MANIFEST: Final = ".claude-plugin/plugin.json"
MARKETPLACE_MANIFEST: Final = ".claude-plugin/marketplace.json"
HOOKS_FILE: Final = "hooks/hooks.json"
MCP_FILE: Final = ".mcp.json"
SETTINGS_FILES: Final = ("settings.json", "settings.local.json")
PROJECT_FOLDER: Final = ".claude"
MANIFEST_FOLDER: Final = ".claude-plugin"

COMPONENT_FOLDERS: Final = {"commands": ArtifactType.COMMAND, "agents": ArtifactType.AGENT}
"""Folders whose Markdown files are artifacts one by one, where they lie in a place that is read."""

ARTIFACT_FOLDERS: Final = frozenset({"skills", "commands", "agents", "hooks", "mcp", "mcps", "mcp-servers", "plugins"})
"""Folders that are called after what they hold. The names below them are the artifacts' own and say nothing else."""

_CONTEXT_WORDS: Final = {
    "test": "test tests __tests__ testing testdata test-data fixture fixtures __fixtures__ e2e spec specs evals",
    "example": "example examples sample samples demo demos",
    "template": "template templates boilerplate scaffold scaffolds",
    "planned": "planned draft drafts wip unreleased",
    "docs": "doc docs documentation website wiki translations i18n locales l10n",
    "backup": "backup backups archive archives archived old bak deprecated obsolete",
    "vendored": "node_modules vendor vendors vendored third_party third-party site-packages dist build out target",
}
CONTEXTS: Final = {word: context for context, words in _CONTEXT_WORDS.items() for word in words.split()}
"""Folder names that make everything below them unlikely to be meant for use. Compared in lower case."""
_CONTEXTS_IN_NAMES: Final = frozenset({"planned", "backup"})
"""Contexts that hold for ``planned-skills`` and ``plugin-backups`` too. The other words are often part of a name."""
_LOCALE_FOLDER = re.compile(r"[a-z]{2}[-_](?:[A-Z]{2}|Hans|Hant)")  # zh-CN, pt_BR: what lies below is a translation

_COLLECTION = re.compile(
    r"(?:.*[-_ .])?(?:(?P<command>commands)|(?P<agent>(?:sub)?agents)|(?P<hook>hooks)"
    r"|(?P<mcp>mcps?|mcp[-_](?:servers|configs)))"
)
"""Folders called after what is collected below them: ``hooks``, ``slash-commands``, ``review-subagents``."""

FOREIGN_SUFFIXES: Final = (".agent.md", ".prompt.md", ".instructions.md", ".chatmode.md")
"""What Copilot's Markdown files end in."""

# Documentation in every language: README, README.zh-CN, readme_ja ... The others only in capitals, for
# ``commands/contributing.md`` is a command.
_README = re.compile(r"readme(?:[._-].*)?", re.IGNORECASE)
_DOCUMENTATION: Final = frozenset(
    (
        "CHANGELOG",
        "CONTRIBUTING",
        "CONTRIBUTORS",
        "CODE_OF_CONDUCT",
        "SECURITY",
        "LICENSE",
        "LICENCE",
        "NOTICE",
        "AUTHORS",
        "ATTRIBUTION",
        "CLAUDE",
        "AGENTS",
        "GEMINI",
        "TEMPLATE",
        "SKILL",
    )
)
_EXTENSIONS: Final = (".agent.md", ".md", ".json")
_WEAK_FILE = re.compile(r"index|(?:.*[._-])?template", re.IGNORECASE)
_TRANSLATED = re.compile(r"(?P<stem>.+)[.][a-z]{2}(?:[-_][A-Za-z]{2,4})?[.]md")
_WORD_BREAK = re.compile(r"[-_ .]+")
_WEAK_FOLDER = re.compile(r"(?:skill[._-])?templates?|template[._-]skill", re.IGNORECASE)


def is_documentation(stem: str) -> bool:
    """Tell whether a Markdown file of this name (without ``.md``) describes its folder, not itself."""
    return stem in _DOCUMENTATION or _README.fullmatch(stem) is not None


def is_weak_file(stem: str) -> bool:
    """Tell whether a Markdown file is called like a table of contents or a pattern to copy from."""
    return _WEAK_FILE.fullmatch(stem) is not None


def is_weak_folder(name: str) -> bool:
    """Tell whether a skill's folder is called like a pattern to copy from; ``kpi-template`` is a skill of its own."""
    return _WEAK_FOLDER.fullmatch(name) is not None


def translated_name(name: str) -> str:
    """Return what ``review.zh-CN.md`` is a translation of (``review.md``); "" where a name tells no language."""
    found = _TRANSLATED.fullmatch(name)
    return found["stem"] + ".md" if found else ""


@lru_cache(maxsize=4096)  # the same few folder names all over a listing
def context_of(name: str) -> str:
    """Return the context a folder's name stands for, else ""."""
    context = CONTEXTS.get(name.lower(), "")
    if context or not name:
        return context
    if _LOCALE_FOLDER.fullmatch(name):
        return "docs"
    words = _WORD_BREAK.split(name.lower())
    ends = (CONTEXTS.get(word, "") for word in (words[0], words[-1]))
    return next((context for context in ends if context in _CONTEXTS_IN_NAMES), "")


@lru_cache(maxsize=4096)
def collection_type(name: str) -> ArtifactType | None:
    """Return the type of artifact a folder is called after, by the last word of its name; None if after none."""
    found = _COLLECTION.fullmatch(name)
    return ArtifactType(found.lastgroup) if found and found.lastgroup else None


def parent_of(path: str) -> str:
    """Return the folder of a path; "" for what lies at the root."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]


def stem_of(path: str) -> str:
    """Return the last part of a path without the extensions an artifact's file has; Copilot writes ``.agent.md``."""
    name = name_of(path)
    if name.endswith(_EXTENSIONS):
        for extension in _EXTENSIONS:
            if name.endswith(extension) and len(name) > len(extension):
                return name.removesuffix(extension)
    return name


def join(folder: str, rest: str) -> str:
    """Return ``rest`` below ``folder``, either of which may be "" (the root)."""
    return f"{folder}/{rest}" if folder and rest else folder or rest


def is_below(path: str, folder: str) -> bool:
    """Tell whether ``path`` is ``folder`` or lies in it. Everything lies in ""."""
    return not folder or path == folder or path.startswith(folder + "/")


def shown(folder: str) -> str:
    """Return a folder as artifacts name it: the root is "."."""
    return folder or "."


def folder_key(path: str) -> str:
    """Return what people write for a folder (``./x/``, ``.``) as it stands in a listing; "" is the root."""
    return "/".join(part for part in path.strip().split("/") if part not in ("", "."))
