"""Which fields of a record a refresh changes: a field is upstream's until a person has set it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from collections_app.domain.artifact_document import Told
from collections_app.domain.artifact_edit import users_fields
from collections_app.domain.lockfile import LockEntry
from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.refresh_options import FIELDS

TAGS = "tags"
WRITTEN = "written"
"""The key of a lock entry under which stands what the last import or refresh wrote into the record."""
WRITTEN_TAGS = "written_tags"


@dataclass(frozen=True, slots=True)
class Written:
    """What the last import or refresh wrote. A value that is another one now was set by a person."""

    fields: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @classmethod
    def in_lock(cls, entry: LockEntry | None) -> Written | None:
        """None where nothing is known: the record was made by SkillMeat 1.x, or by hand."""
        told = entry.extra.get(WRITTEN) if entry else None
        if entry is None or not isinstance(told, Mapping):
            return None
        tags = entry.extra.get(WRITTEN_TAGS)
        return cls(
            {str(name): str(value) for name, value in told.items()},
            tuple(str(tag) for tag in tags) if isinstance(tags, list | tuple) else (),
        )


@dataclass(frozen=True, slots=True)
class FieldChanges:
    """``new`` and ``old`` have the same keys. ``kept``: upstream says something else, and the user's word stays."""

    new: Mapping[str, Any] = field(default_factory=dict)
    old: Mapping[str, Any] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    written: Written = field(default_factory=Written)
    """What stands as upstream's word once the changes are applied."""

    def apply(self, record: ArtifactRecord) -> ArtifactRecord:
        texts = {name: value for name, value in self.new.items() if name != TAGS}
        tags = tuple(self.new[TAGS]) if TAGS in self.new else record.tags
        return replace(record, metadata={**record.metadata, **texts}, tags=tags)


def plan_fields(record: ArtifactRecord, written: Written, told: Told, wanted: Set[str]) -> FieldChanges:
    """What of ``told`` goes into the record. What upstream does not say is never erased, nor compared.

    Applied, and asked again with the same ``told``, it changes nothing.
    """
    users = users_fields(record)
    new: dict[str, Any] = {}
    old: dict[str, Any] = {}
    kept: list[str] = []
    stands = dict(written.fields)
    for name in FIELDS:
        theirs = told.fields.get(name, "")
        if name == TAGS or name not in wanted or not theirs:
            continue
        mine = _text(record.metadata.get(name))
        if _same(name, mine, theirs):
            if name not in users:
                stands[name] = mine
        elif name in users or mine != _text(written.fields.get(name)):
            kept.append(name)
        else:
            new[name], old[name], stands[name] = theirs, mine, theirs
    tags_written = written.tags
    if TAGS in wanted and told.tags:
        tags = _tags(record.tags, written.tags, told.tags)
        if TAGS in users:
            kept += [TAGS] if _lowered(told.tags) - _lowered(record.tags) else []
        else:
            if tags != record.tags:
                new[TAGS], old[TAGS] = list(tags), list(record.tags)
            if _lowered(told.tags) - _lowered(tags):
                kept.append(TAGS)
            tags_written = told.tags
    return FieldChanges(new, old, tuple(kept), Written(stands, tags_written))


def _tags(mine: Sequence[str], written: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """Tag by tag: new ones of upstream come, ones that upstream let go go, what a person added or removed stays so."""
    told, before, here = _lowered(theirs), _lowered(written), _lowered(mine)
    kept = [tag for tag in mine if tag.lower() in told or tag.lower() not in before]
    added = [tag for tag in theirs if tag.lower() not in here and tag.lower() not in before]
    return tuple({tag.lower(): tag for tag in reversed((*kept, *added))}[name] for name in _order((*kept, *added)))


def _order(tags: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(tag.lower() for tag in tags))


def _lowered(tags: Sequence[str]) -> set[str]:
    return {tag.lower() for tag in tags}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _same(name: str, mine: str, theirs: str) -> bool:
    """Licences are identifiers: ``mit`` is ``MIT``."""
    if name == "license":
        return mine.strip().lower() == theirs.strip().lower()
    return mine.strip() == theirs.strip()
