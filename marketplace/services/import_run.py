"""One import on its way: what was asked for, and what has become of each entry so far."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from collections_app.domain.import_plan import Blocked, Occupant, Strategy
from collections_app.errors import NameTaken
from collections_app.services.holding import DEFAULT
from collections_app.services.installing import Installed
from collections_app.services.standing import Seen
from marketplace.models import CatalogEntry, Source
from marketplace.services.import_results import ImportedEntry
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, FieldProblem, InvalidParameter
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import ItemOutcome
from skillmeat_site.upstream.errors import UpstreamRateLimited

BEFORE_IMPORT = "before-import"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """``source_ref``: take the content of this branch, tag or commit instead of what the catalog shows.

    ``taken``: what a dry run of other sources before this one would have made of the collection.
    """

    collection: str = DEFAULT
    strategy: Strategy = Strategy.SKIP
    source_ref: str = ""
    dry_run: bool = False
    taken: tuple[Occupant, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsed:
    oid: str
    seen: Seen


@dataclass(slots=True)
class ImportRun:
    """``settled``: what became of each entry so far; ``installed``: what is new on disk.

    ``rehearsed``: what each would get, and what it would replace, of a dry run.
    ``fresh``: a replaced artifact becomes another one, without the old one's id, tags and pin.
    """

    source: Source
    options: ImportOptions
    actor: Actor
    report: Report
    job_id: UUID | None
    reason: str = BEFORE_IMPORT
    fresh: bool = False
    settled: dict[int, ImportedEntry] = field(default_factory=dict)
    failures: dict[int, DomainError] = field(default_factory=dict)
    installed: dict[int, Installed] = field(default_factory=dict)
    rehearsed: dict[int, Rehearsed] = field(default_factory=dict)
    snapshot_id: str = ""

    def settle(self, entry: CatalogEntry, outcome: ItemOutcome, **more: str) -> None:
        self.settled[entry.pk] = ImportedEntry(entry.pk, str(entry), outcome, **more)

    def fail(self, entry: CatalogEntry, error: DomainError) -> None:
        self.failures[entry.pk] = error
        if isinstance(error, NameTaken):
            self.settle(entry, ItemOutcome.CONFLICT, code=Blocked.UNMANAGED, error=error.detail)
        else:
            self.settle(entry, outcome_of(error), code=error.code, error=error.detail_until)

    def fail_rest(self, entries: Iterable[CatalogEntry], error: DomainError) -> None:
        """What has not settled by now never will, because of ``error``."""
        for entry in entries:
            if entry.pk not in self.settled:
                self.fail(entry, error)


def outcome_of(error: DomainError) -> ItemOutcome:
    """DEFERRED for what says nothing against the entry: it was not attempted, and may be retried."""
    return ItemOutcome.DEFERRED if isinstance(error, UpstreamRateLimited | Cancelled) else ItemOutcome.FAILED


def strategy_of(word: str) -> Strategy:
    """Raises InvalidParameter with the nearest known one; upper case is taken as well."""
    try:
        return Strategy(word.lower())
    except ValueError:
        near = difflib.get_close_matches(word.lower(), [known.value for known in Strategy], 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        detail = f"{word[:50]!r} is not one of {', '.join(Strategy)}{hint}"
        problem = FieldProblem("/strategy", "invalid_choice", detail)
        raise InvalidParameter(f"strategy: {detail}", errors=(problem,)) from None
