"""What a refresh is asked to do: mode, strategy, fields, filters. Pure; whatever is not known is refused."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from collections_app.domain.types import ArtifactKind, ArtifactRef
from skillmeat_site.core.errors import FieldProblem, InvalidParameter
from skillmeat_site.core.globs import glob_expression

FIELDS = ("description", "tags", "author", "license", "title", "version")


class RefreshMode(StrEnum):
    METADATA_ONLY = "metadata_only"
    CHECK_ONLY = "check_only"
    SYNC = "sync"


class Strategy(StrEnum):
    """What a sync does about an artifact that was edited here and changed upstream."""

    ABORT = "abort"  # leaves it untouched, and takes the rest
    OURS = "ours"  # merges; of what both changed, ours stays
    THEIRS = "theirs"  # merges; of what both changed, theirs comes
    MERGE = "merge"  # merges where nothing collides; else untouched, and the conflicts are listed


@dataclass(frozen=True, slots=True)
class Filters:
    """Which artifacts: all conditions must hold; an empty one is none."""

    types: frozenset[ArtifactKind] = frozenset()
    name: str = ""
    ids: tuple[str, ...] = ()

    def takes(self, ref: ArtifactRef, artifact_id: str) -> bool:
        if self.types and ref.kind not in self.types:
            return False
        if self.ids and artifact_id not in self.ids:
            return False
        return not self.name or fnmatch.fnmatchcase(ref.name, self.name)


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """``fields`` limits what is applied and what is counted."""

    mode: RefreshMode = RefreshMode.METADATA_ONLY
    strategy: Strategy = Strategy.ABORT
    fields: frozenset[str] = frozenset(FIELDS)
    filters: Filters = field(default_factory=Filters)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> RefreshOptions:
        """Check what was said: mode, strategy, fields, filters {type, name, ids}. Nothing said is the default.

        Raises InvalidParameter, with the nearest known word, for any that is not known, and for an empty list:
        never "everything".
        """
        filters = said.get("filters") or {}
        lists = {"fields": said.get("fields"), **{f"filters/{name}": filters.get(name) for name in ("type", "ids")}}
        for name, words in lists.items():
            if words is not None and not words:
                raise _invalid(name, "an empty list means nothing, and never everything: leave it out")
        mode, strategy = said.get("mode"), said.get("strategy")
        fields = [_field(word) for word in said.get("fields") or ()]
        chosen = cls(
            mode=RefreshMode.METADATA_ONLY if mode is None else one_of(RefreshMode, mode, "mode"),
            strategy=Strategy.ABORT if strategy is None else one_of(Strategy, strategy, "strategy"),
            fields=frozenset(fields or FIELDS),
            filters=Filters(
                types=frozenset(one_of(ArtifactKind, word, "filters/type") for word in filters.get("type") or ()),
                name=_glob(str(filters.get("name") or "")),
                ids=tuple(dict.fromkeys(_id(word) for word in filters.get("ids") or ())),
            ),
        )
        if strategy is not None and chosen.mode is not RefreshMode.SYNC:
            raise _invalid("strategy", "it says how a sync settles conflicts: the mode must be sync")
        return chosen

    def to_json(self) -> dict[str, Any]:
        """What ``of`` reads back to an equal value."""
        filters: dict[str, Any] = {
            "type": sorted(kind.value for kind in self.filters.types),
            "name": self.filters.name,
            "ids": list(self.filters.ids),
        }
        return {
            "mode": self.mode.value,
            "strategy": self.strategy.value if self.mode is RefreshMode.SYNC else None,
            "fields": [name for name in FIELDS if name in self.fields],
            "filters": {name: value for name, value in filters.items() if value},
        }


_Word = TypeVar("_Word", bound=StrEnum)


def one_of(words: type[_Word], said: Any, name: str) -> _Word:
    """The word that was said. Raises InvalidParameter with the nearest known one."""
    known = [word.value for word in words]
    _refuse_unknown(str(said), known, name)
    return words(str(said))


def _field(said: Any) -> str:
    name = str(said).strip().lower()
    _refuse_unknown(name, FIELDS, "fields")
    return name


def _refuse_unknown(said: str, known: Iterable[str], name: str) -> None:
    words = list(known)
    if said in words:
        return
    near = difflib.get_close_matches(said, words, 1)
    raise _invalid(
        name, f"{said[:100]!r} is not one of {', '.join(words)}" + (f"; did you mean {near[0]!r}?" if near else "")
    )


def _glob(pattern: str) -> str:
    glob_expression(pattern)
    return pattern


def _id(said: Any) -> str:
    try:
        return str(UUID(str(said)))
    except ValueError:
        raise _invalid("filters/ids", f"{str(said)[:60]!r} is no id of an artifact") from None


def _invalid(name: str, detail: str) -> InvalidParameter:
    return InvalidParameter(
        f"{name.rpartition('/')[2]}: {detail}", errors=(FieldProblem(f"/{name}", "invalid_choice", detail),)
    )
