"""What the params of the marketplace's jobs name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketplace.models import Source
from marketplace.services.sources import source_ref
from skillmeat_site.core.jobs.registry import Params
from skillmeat_site.core.results import ObjectRef


def source_of(params: Params) -> ObjectRef:
    """The target of a job about one source."""
    source = Source.objects.filter(pk=params["source_id"]).first()
    return source_ref(source) if source else ObjectRef("source", str(params["source_id"]))


def count_ids(params: Params) -> int:
    return len(params["ids"])


def only_these(params: Params, ids: Sequence[str]) -> dict[str, Any]:
    """The params of a retry."""
    return {**params, "ids": [int(pk) for pk in ids]}


def for_a_person(params: Params) -> dict[str, Any]:
    """The params of a scan that somebody waits for now: what its sweep was told is old, and so is its patience."""
    return {name: value for name, value in params.items() if name not in ("background", "told")}
