"""Which artifacts a command means: ``type:name`` of one collection, or an id; or what filters leave."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.models import Artifact
from collections_app.querysets import ArtifactQuerySet
from collections_app.services.holding import DEFAULT, find_collection
from skillmeat_site.core.errors import DomainError, InvalidParameter, NotFound
from skillmeat_site.core.globs import glob_expression
from skillmeat_site.core.results import BulkResult, ItemOutcome


@dataclass(frozen=True, slots=True)
class SelectedArtifacts:
    """``rows`` are finished rows of the answer, of words that name nothing; ``artifacts`` are to be worked on."""

    artifacts: list[Artifact]
    rows: list[dict[str, Any]]

    def changed(self, result: BulkResult) -> set[str]:
        """The slugs of the collections in which something came about."""
        done = {row.object.id for row in result.rows if row.outcome in (ItemOutcome.UPDATED, ItemOutcome.REMOVED)}
        return {artifact.collection.slug for artifact in self.artifacts if str(artifact.pk) in done}

    @property
    def ids(self) -> list[str]:
        return [str(artifact.pk) for artifact in self.artifacts]


def add_artifact_arguments(parser: ArgumentParser, *, nargs: str = "+") -> None:
    parser.add_argument("artifacts", nargs=nargs, metavar="ARTIFACT", help="type:name, or id")
    parser.add_argument("--collection", default=DEFAULT, help="where type:name is looked for (default: %(default)s)")


def select_artifacts(options: Mapping[str, Any]) -> SelectedArtifacts:
    """The artifacts that ``options["artifacts"]`` names, each once and in that order. A wrong word is a failed row."""
    found: dict[UUID, Artifact] = {}
    rows: list[dict[str, Any]] = []
    for word in options["artifacts"]:
        try:
            artifact = find_artifact(word, options["collection"])
        except DomainError as error:
            rows.append(failed_row(word, error))
        else:
            found[artifact.pk] = artifact
    return SelectedArtifacts(list(found.values()), rows)


def find_artifact(word: str, collection: str) -> Artifact:
    """Raises NotFound, InvalidParameter for a word that is neither."""
    rows = Artifact.objects.select_related("collection")
    wanted = parse_artifact(word)
    if isinstance(wanted, UUID):
        artifact = rows.filter(pk=wanted).first()
    else:
        row = find_collection(collection)
        artifact = rows.filter(collection=row, type=wanted.type, name=wanted.name).first()
    if artifact is None:
        raise NotFound(f"There is no artifact {word!r}" + ("." if isinstance(wanted, UUID) else f" in {collection}."))
    return artifact


def parse_artifact(word: str) -> UUID | ArtifactRef:
    """An id, or type and name, which may hold a colon itself. Raises InvalidParameter."""
    try:
        return UUID(word)
    except ValueError:
        type_, separator, name = word.partition(":")
    if not separator or not type_ or not name:
        raise InvalidParameter(f"{word!r} is neither type:name nor the id of an artifact.")
    return ArtifactRef(type_, name)


def failed_row(word: str, error: DomainError) -> dict[str, Any]:
    return {"label": word, "outcome": ItemOutcome.FAILED.value, "code": error.code, "detail": error.detail}


def add_artifact_filters(parser: ArgumentParser) -> None:
    types = [kind.value for kind in ArtifactKind]
    parser.add_argument("--collection", action="append", default=[], help="repeatable; without it all")
    parser.add_argument("-t", "--type", "--artifact-type", action="append", default=[], choices=types, dest="types")
    parser.add_argument("-n", "--name-pattern", help="glob over the name")
    parser.add_argument("--status", action="append", default=[], choices=[state.value for state in ArtifactState])
    parser.add_argument("--update-available", action="store_true", help="with other content upstream, and not pinned")


def filter_artifacts(options: Mapping[str, Any]) -> ArtifactQuerySet:
    """The artifacts that the filters leave, in order."""
    artifacts = Artifact.objects.for_list().order_by("collection__slug", "type", "name", "pk")
    if options["collection"]:
        artifacts = artifacts.filter(collection__in=[find_collection(slug).pk for slug in options["collection"]])
    if options["types"]:
        artifacts = artifacts.filter(type__in=options["types"])
    if options["status"]:
        artifacts = artifacts.in_state(*options["status"])
    if options["update_available"]:
        artifacts = artifacts.update_available()
    if options["name_pattern"]:
        artifacts = artifacts.filter(name__regex=glob_expression(options["name_pattern"]))
    return artifacts
