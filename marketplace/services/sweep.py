"""Many sources at once: one question to GitHub for up to a hundred of them tells which have changed.

Those that have not are settled here, with a few statements for a whole batch. The others, and those that are not on
GitHub or are read without a token, go on to a scan of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from django.db import transaction
from django.utils import timezone

from marketplace.models import Source
from marketplace.services import scan_record
from marketplace.services.batches import by_question, grouped
from marketplace.services.currency import was_well_scanned
from marketplace.services.identity import described
from marketplace.services.patience import patiently
from marketplace.services.rescan import ScanOptions
from marketplace.services.results import Counters, ScanResult
from marketplace.services.sources import source_ref
from skillmeat_site.core.budgets import standings_of
from skillmeat_site.core.bulk import update_rows
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.jobs.settling import deferral
from skillmeat_site.core.leases import is_free
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import ItemOutcome, Row
from skillmeat_site.core.upstreams import account_of, batch_settings
from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.errors import UpstreamAuth, UpstreamError, UpstreamRateLimited
from skillmeat_site.upstream.github_batch import Batch, GitHubBatch, RepositoryNow

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of some sources: ``rows`` are settled, ``left`` have to be scanned (with what was told of them)."""

    rows: tuple[Row, ...] = ()
    left: Mapping[int, RepositoryNow | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Unchanged:
    """A source whose catalog is right as it is. ``tree``: the commit is another one, with the same content."""

    source: Source
    told: RepositoryNow
    result: ScanResult


def sweep(sources: Sequence[Source], *, options: ScanOptions, report: Report) -> Iterator[Swept]:
    """Tell of all sources what became of them, batch by batch; what was yielded is written.

    No source is scanned here, and none fails for itself. Where a limit ends the questions, those not asked about are
    ``deferred``; where the token is refused they are ``failed``; where GitHub does not answer them they are left to
    their own scans. Unless ``options.dry_run`` unchanged sources are stamped, in one transaction for each batch, that
    skips those that are being scanned or were edited meanwhile. Raises what the report's tick raises.
    """
    groups = grouped(sources)
    if groups.others:
        yield Swept(left=dict.fromkeys((source.pk for source in groups.others), None))
    if groups.refused:
        yield Swept(tuple(_not_asked(source, ItemOutcome.FAILED, error) for source, error in groups.refused))
    for token, askable in groups.by_token.items():
        yield from _Sweep(token, askable, options, report).run()


def not_limited(sources: Iterable[Source]) -> list[Source]:
    """Those whose host may be asked now, as far as is known without asking it: no limit, and no refused token."""
    groups = grouped(sources)
    allowed, now = groups.others, timezone.now()
    for token, askable in groups.by_token.items():
        standings = standings_of(account_of(token))
        asked = (standings[name] for name in (Resource.GRAPHQL, Resource.SECONDARY) if name in standings)
        if not any(standing.closed_until(now, background=True) for standing in asked):
            allowed += askable
    return allowed


def _not_asked(source: Source, outcome: ItemOutcome, error: DomainError) -> Row:
    return Row(source_ref(source), outcome, error.code, error.detail, {"source_id": source.pk, **deferral(error)})


class _Sweep:
    """The sources of one token."""

    def __init__(self, token: str, sources: Sequence[Source], options: ScanOptions, report: Report) -> None:
        self._token, self._options, self._report = token, options, report
        self._waiting = by_question(sources)

    def run(self) -> Iterator[Swept]:
        settings = batch_settings()
        if settings is None:
            raise RuntimeError("sources are only grouped by token where batches can be asked")
        batch = GitHubBatch(settings, self._token)
        while self._waiting:
            try:
                told = patiently(lambda: self._next(batch), self._report)
            except UpstreamRateLimited as limit:
                yield self._rest(ItemOutcome.DEFERRED, limit)
            except UpstreamAuth as refused:
                yield self._rest(ItemOutcome.FAILED, refused)
            except UpstreamError as error:
                log.warning("sweep.no_batches", code=error.code, detail=error.detail)
                yield Swept(left=dict.fromkeys((source.pk for source in self._sources()), None))
                return
            else:
                yield self._settle(told)

    def _next(self, batch: GitHubBatch) -> Batch:
        self._report.tick()
        return next(batch.ask(list(self._waiting), tick=self._report.tick))

    def _sources(self) -> list[Source]:
        """Those not asked about, once."""
        sources = [source for group in self._waiting.values() for source in group]
        self._waiting.clear()
        return sources

    def _rest(self, outcome: ItemOutcome, error: DomainError) -> Swept:
        return Swept(tuple(_not_asked(source, outcome, error) for source in self._sources()))

    def _settle(self, batch: Batch) -> Swept:
        left: dict[int, RepositoryNow | None] = {}
        unchanged: list[_Unchanged] = []
        for asked, answer in batch.answers:
            told = answer if isinstance(answer, RepositoryNow) else None
            for source in self._waiting.pop(asked):
                short_circuit = _short_circuit(source, told) if told and not self._options.force else None
                if told is None or short_circuit is None:
                    left[source.pk] = told
                else:
                    unchanged.append(_Unchanged(source, told, self._result(source, told, short_circuit)))
        written = unchanged if self._options.dry_run else _stamp(unchanged)
        known = {one.source.pk for one in written}
        left |= {one.source.pk: one.told for one in unchanged if one.source.pk not in known}
        rows = [Row(source_ref(one.source), one.result.item_outcome, detail=one.result.to_json()) for one in written]
        return Swept(tuple(rows), left)

    def _result(self, source: Source, told: RepositoryNow, short_circuit: str) -> ScanResult:
        return ScanResult(
            source_id=source.pk,
            counters=Counters.from_json(source.counters).repeated(),
            commit=told.head.commit if told.head else None,
            listing_complete=True,
            scanned_at=timezone.now(),
            duration_ms=0,
            short_circuit=short_circuit,
            dry_run=self._options.dry_run,
        )


def _short_circuit(source: Source, told: RepositoryNow) -> str | None:
    """By what the source is current: its commit, or its tree; None where it has to be scanned.

    A repository of another name or another id is for the scan to look at, an empty one too.
    """
    head = told.head
    same = not told.facts.moved_to and source.repository_id in (None, told.facts.id)
    if head is None or head.commit is None or not same or not was_well_scanned(source):
        return None
    if head.commit == source.head_commit:
        return "commit"
    return "tree" if told.tree_oid and told.tree_oid == source.tree_oid else None


def _stamp(unchanged: Sequence[_Unchanged]) -> list[_Unchanged]:
    """Write that these were looked at: two statements. Returns those that still were what the question was about."""
    if not unchanged:
        return []
    rows = []
    with transaction.atomic():
        ids = [one.source.pk for one in unchanged]
        free = Source.objects.select_for_update().filter(is_free(), pk__in=ids).order_by("pk")
        versions = dict(free.values_list("pk", "updated_at"))
        written = [one for one in unchanged if versions.get(one.source.pk) == one.source.updated_at]
        for one in written:
            if one.told.head is not None:
                columns = scan_record.still_current(one.source, one.result, one.told.head)
                rows.append({"pk": one.source.pk, **columns, **described(one.told.facts)})
        if rows:
            update_rows(Source, rows, [name for name in rows[0] if name != "pk"])
    return written
