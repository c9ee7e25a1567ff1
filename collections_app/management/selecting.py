"""Which artifacts a command means: ``type:name`` of one collection, or an id."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collections_app.domain.types import ArtifactRef
from collections_app.models import Artifact
from collections_app.services.holding import DEFAULT, find_collection
from skillmeat_site.core.errors import DomainError, InvalidParameter, NotFound
from skillmeat_site.core.results import ItemOutcome


@dataclass(frozen=True, slots=True)
class SelectedArtifacts:
    """``rows`` are finished rows of the answer, of words that name nothing; ``artifacts`` are to be worked on."""

    artifacts: list[Artifact]
    rows: list[dict[str, Any]]


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
