"""A listing sorted into what the rules look for, in one pass.

Rules ask by name (``every file called plugin.json``) and by path (``is there a file here``). Both are one dictionary
look-up; nothing walks the listing again, so that 100,000 files cost tenths of a second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from marketplace.domain.naming import MCP_FILE, SETTINGS_FILES, SKILL_FILE, parent_of
from skillmeat_site.upstream.types import FileMode, TreeItem

_MARKERS = frozenset({SKILL_FILE, "plugin.json", "marketplace.json", "hooks.json", MCP_FILE, *SETTINGS_FILES})
_TREE, _SYMLINK, _SUBMODULE = FileMode.TREE.value, FileMode.SYMLINK.value, FileMode.SUBMODULE.value
_SKILL_FILE_LOWER = SKILL_FILE.lower()
_SUFFIXES = (".md", ".json", ".MD", ".Md", ".mD")  # Markdown in capitals may be a SKILL.MD


class TreeIndex:
    """One listing, ready to be asked. Never changes once built; shared by all passes over the same listing.

    ``files``: regular and executable files by path. ``folders``: tree ids by path, the root's under "".
    ``markdown``: ``*.md`` files below a folder whose name ends in commands or agents; ``loose_markdown``: the others.
    ``configs``: ``*.json`` files, other than the markers, that may hold hooks or MCP servers by their path.
    ``skill_variants``: SKILL.md in another spelling. ``links`` and ``submodules`` are listed and never entered.
    """

    __slots__ = (
        "_marked",
        "_sorted_paths",
        "configs",
        "files",
        "folders",
        "links",
        "loose_markdown",
        "markdown",
        "skill_variants",
        "submodules",
    )

    def __init__(self, items: Sequence[TreeItem], root_tree_oid: str = "") -> None:
        self.files: dict[str, TreeItem] = {}
        self.folders: dict[str, str] = {"": root_tree_oid}
        self.links: list[TreeItem] = []
        self.submodules: list[TreeItem] = []
        self.markdown: list[TreeItem] = []
        self.loose_markdown: list[TreeItem] = []
        self.configs: list[TreeItem] = []
        self.skill_variants: list[TreeItem] = []
        self._marked: dict[str, list[TreeItem]] = {name: [] for name in _MARKERS}
        self._sorted_paths: list[str] | None = None
        for item in items:
            path, mode, oid, _ = item
            if mode == _TREE:
                self.folders[path] = oid
            elif mode == _SYMLINK:
                self.links.append(item)
            elif mode == _SUBMODULE:
                self.submodules.append(item)
            else:
                self.files[path] = item
        self._sort_in(self.files)

    def _sort_in(self, files: Mapping[str, TreeItem]) -> None:
        """Remember the files whose names say something under what they say. One loop: a call for each is felt."""
        marked, markdown, loose, configs = self._marked, self.markdown, self.loose_markdown, self.configs
        for path, item in files.items():
            # Substrings first: nearly all files end otherwise, and splitting every path would double the time.
            if path.endswith(_SUFFIXES):
                name = path[path.rfind("/") + 1 :]
                if name in marked:
                    marked[name].append(item)
                    continue
                if len(name) == len(SKILL_FILE) and name.lower() == _SKILL_FILE_LOWER:
                    self.skill_variants.append(item)
                if name.endswith(".md"):
                    (markdown if "commands/" in path or "agents/" in path else loose).append(item)
                elif name.endswith(".json") and ("hooks" in path or "mcp" in path or name.endswith(SETTINGS_FILES)):
                    configs.append(item)

    def named(self, name: str) -> Sequence[TreeItem]:
        """Return the files called exactly ``name``, one of the markers, in the listing's order."""
        return self._marked[name]

    def below(self, folder: str, suffix: str) -> Iterator[TreeItem]:
        """Yield the files at any depth below ``folder`` whose name ends in ``suffix``, sorted by path."""
        if self._sorted_paths is None:
            self._sorted_paths = sorted(self.files)
        prefix = f"{folder}/" if folder else ""
        for position in range(bisect_left(self._sorted_paths, prefix), len(self._sorted_paths)):
            path = self._sorted_paths[position]
            if not path.startswith(prefix):
                return
            if path.endswith(suffix):
                yield self.files[path]

    def directly_in(self, folder: str, suffix: str) -> Iterator[TreeItem]:
        """Yield the files that lie in ``folder`` itself and whose name ends in ``suffix``."""
        return (item for item in self.below(folder, suffix) if parent_of(item.path) == folder)


def index_of(tree: TreeIndex | Sequence[TreeItem], root_tree_oid: str = "") -> TreeIndex:
    """Return ``tree`` as an index, built if it is a bare listing."""
    return tree if isinstance(tree, TreeIndex) else TreeIndex(tree, root_tree_oid)
