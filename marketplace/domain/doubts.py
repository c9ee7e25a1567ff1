"""Places nobody could look into: that an artifact is no longer found there does not prove that it is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from marketplace.domain.manifests import Documents
from marketplace.domain.naming import MANIFEST_FOLDER, join, name_of, parent_of
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.upstream.types import FileMode, TreeItem

_MANIFESTS = frozenset({"plugin.json", "marketplace.json"})


@dataclass(frozen=True, slots=True)
class Doubts:
    """``files``: path → what is wrong with it. ``folders``: the same, for everything at or below a folder."""

    files: Mapping[str, Warned] = field(default_factory=dict)
    folders: Mapping[str, Warned] = field(default_factory=dict)

    def about(self, path: str) -> Warned | None:
        """Return why nothing is known of an artifact at this path, None where its absence is certain."""
        if path in self.files:
            return self.files[path]
        above = ("", *accumulate(path.split("/"), join)) if self.folders else ()
        return next((self.folders[folder] for folder in above if folder in self.folders), None)


def doubts_of(items: Iterable[TreeItem], documents: Documents) -> Doubts:
    """Return what a listing keeps to itself: files that could not be read, or only in part, and submodules.

    What a manifest in doubt declares may be anything in its folder. A link is no doubt: what it points to was listed
    if it is in the repository, and is none of its artifacts if it is not.
    """
    odd = {oid: parsed.doubt for (oid, _), parsed in documents.items() if parsed.doubt is not None}
    files: dict[str, Warned] = {}
    folders: dict[str, Warned] = {}
    for item in items:
        if item.mode == FileMode.SUBMODULE:
            folders[item.path] = Warned("submodule_not_entered", "what a submodule holds is not looked at", item.path)
        elif item.oid in odd:
            files[item.path] = odd[item.oid]._replace(path=item.path)
            if name_of(item.path) in _MANIFESTS:
                folders[_owner(item.path)] = files[item.path]
    return Doubts(files, folders)


def _owner(manifest: str) -> str:
    folder = parent_of(manifest)
    return parent_of(folder) if name_of(folder) == MANIFEST_FOLDER else folder
