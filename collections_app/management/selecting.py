"""Which collections and artifacts a command means."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.types import ArtifactKind
from collections_app.models import Artifact
from collections_app.querysets import ArtifactQuerySet
from collections_app.services.holding import DEFAULT, find_collection
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.globs import glob_expression
from skillmeat_site.core.results import ItemOutcome


@dataclass(frozen=True, slots=True)
class SelectedArtifacts:
    """``rows`` are finished rows of the answer: words that name nothing."""

    artifacts: list[Artifact]
    rows: list[dict[str, Any]]

    @property
    def ids(self) -> list[str]:
        return [str(artifact.pk) for artifact in self.artifacts]


def add_artifact_words(parser: ArgumentParser) -> None:
    parser.add_argument("artifacts", nargs="+", metavar="ARTIFACT", help="type:name, or id")
    parser.add_argument("--collection", default=DEFAULT, help="where type:name is looked up (default: %(default)s)")


def add_artifact_filters(parser: ArgumentParser) -> None:
    types = [kind.value for kind in ArtifactKind]
    parser.add_argument("--collection", action="append", default=[], help="repeatable; without it all")
    parser.add_argument("-t", "--type", "--artifact-type", action="append", default=[], choices=types, dest="types")
    parser.add_argument("-n", "--name-pattern", help="glob over the name")
    parser.add_argument("--status", action="append", default=[], choices=[state.value for state in ArtifactState])


def select_artifacts(words: Iterable[str], collection: str) -> SelectedArtifacts:
    """The artifacts that words mean: ids, or ``type:name`` in ``collection``. Raises NotFound for the collection."""
    chosen: dict[UUID, Artifact] = {}
    rows: list[dict[str, Any]] = []
    for word in words:
        artifact = _by_id(word) or _by_name(word, collection)
        if artifact is None:
            detail = f"There is no artifact {word[:100]!r} in {collection}."
            rows.append({"label": word, "outcome": ItemOutcome.FAILED.value, "code": NotFound.code, "detail": detail})
        else:
            chosen[artifact.pk] = artifact
    return SelectedArtifacts(list(chosen.values()), rows)


def filter_artifacts(options: Mapping[str, Any]) -> ArtifactQuerySet:
    """The artifacts that the filters leave, in order."""
    artifacts = Artifact.objects.for_list().order_by("collection__slug", "type", "name", "pk")
    if options["collection"]:
        artifacts = artifacts.filter(collection__in=[find_collection(slug).pk for slug in options["collection"]])
    if options["types"]:
        artifacts = artifacts.filter(type__in=options["types"])
    if options["status"]:
        artifacts = artifacts.in_state(*options["status"])
    if options["name_pattern"]:
        artifacts = artifacts.filter(name__regex=glob_expression(options["name_pattern"]))
    return artifacts


def _by_id(word: str) -> Artifact | None:
    try:
        return Artifact.objects.filter(pk=UUID(word)).first()
    except ValueError:
        return None


def _by_name(word: str, collection: str) -> Artifact | None:
    """The type is what stands before the first colon: a command's name may hold more of them."""
    type_, _, name = word.partition(":")
    return Artifact.objects.filter(collection=find_collection(collection), type=type_, name=name).first()
