"""The import as the specification names it: a coordinator over entries of one source. The work is ``importing``'s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from collections_app.domain.import_plan import Strategy
from collections_app.services.homes import home
from marketplace.models import CatalogEntry, Source
from marketplace.services.import_results import ImportResult
from marketplace.services.import_run import ImportOptions, strategy_of
from marketplace.services.importing import import_source_entries
from skillmeat_site.core.actor import COMMAND_LINE, Actor
from skillmeat_site.core.errors import InvalidParameter, NotFound
from skillmeat_site.core.reporting import Report, SilentReport

Entries = Iterable[int | CatalogEntry | Mapping[str, Any]]
"""Ids, rows, or mappings with an ``id``."""


class ImportCoordinator:
    """Imports catalog entries into one collection, under conflict rules, as one batch.

    Outside a job: inside one use ``importing`` with the job's own context. Safe to use from several processes: the
    collection's lease keeps them apart.
    """

    def __init__(
        self, collection: str = "default", *, actor: Actor = COMMAND_LINE, report: Report | None = None
    ) -> None:
        self.collection = collection
        self._actor = actor
        self._report = report or SilentReport()

    def import_entries(
        self, entries: Entries, source_id: int, strategy: str = Strategy.SKIP, source_ref: str | None = None
    ) -> ImportResult:
        """Import entries of a source; each settles by itself.

        With ``source_ref`` the content at that branch, tag or commit is taken, and its ids recorded. Raises NotFound,
        InvalidParameter (strategy), CollectionBusy, ManifestInvalid, UpstreamError by kind; nothing has changed then.
        """
        source = Source.objects.filter(pk=source_id).first()
        if source is None:
            raise NotFound(f"There is no source {source_id}.")
        options = ImportOptions(self.collection, strategy_of(strategy), source_ref or "")
        return import_source_entries(
            source, _ids(entries), options=options, actor=self._actor, report=self._report, job_id=None
        )


def import_from_catalog(
    entries: Entries, source_id: int, strategy: str = Strategy.SKIP, collection_path: str | Path | None = None
) -> ImportResult:
    """Import entries into the default collection, or into the one whose folder, or slug, ``collection_path`` is.

    Raises as ``ImportCoordinator.import_entries``, and InvalidParameter for a folder that is none of the collections'.
    """
    collection = _slug(collection_path) if collection_path else "default"
    return ImportCoordinator(collection).import_entries(entries, source_id, strategy)


def _ids(entries: Entries) -> Sequence[int]:
    ids = []
    for entry in entries:
        wanted = entry.pk if isinstance(entry, CatalogEntry) else entry["id"] if isinstance(entry, Mapping) else entry
        if not isinstance(wanted, int):
            raise InvalidParameter("entries: an entry is named by its id, a number")
        ids.append(wanted)
    return ids


def _slug(place: str | Path) -> str:
    path = Path(place)
    if len(path.parts) == 1:
        return str(place)
    if path.parent.resolve() != home().collections.resolve():
        raise InvalidParameter("collection_path: must be the folder of one of the collections")
    return path.name
