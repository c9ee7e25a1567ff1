"""Which items of a job are asked for, and those as a file to take away."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import Q, QuerySet
from django.http import StreamingHttpResponse

from skillmeat_site.core.admin.exports import cell
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import ItemOutcome

OPEN = "open"
"""In the query: items that have no outcome yet."""
MAX_WORDS = 200
COLUMNS = ("type", "id", "label", "outcome", "code", "message", "duration_ms")


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """``outcome`` empty: all. ``words``: each must stand in the label, the code or the message."""

    outcome: str = ""
    words: str = ""

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> ItemQuery:
        outcome = str(query.get("outcome", ""))
        known = outcome == OPEN or outcome in set(ItemOutcome)
        return cls(outcome if known else "", str(query.get("q", "")).replace("\x00", "").strip()[:MAX_WORDS])

    def narrow(self, items: QuerySet[JobItem]) -> QuerySet[JobItem]:
        if self.outcome:
            items = items.filter(outcome="" if self.outcome == OPEN else self.outcome)
        for word in self.words.split():
            found = Q(object_label__icontains=word) | Q(code__icontains=word) | Q(message__icontains=word)
            items = items.filter(found | Q(object_id=word))
        return items

    def to_query(self) -> dict[str, str]:
        return {name: value for name, value in (("outcome", self.outcome), ("q", self.words)) if value}


def as_csv(job: Job, asked: ItemQuery) -> StreamingHttpResponse:
    """One line per item, with a head; streamed, however many."""
    return _file(job, "csv", "text/csv; charset=utf-8", _csv_lines(chain([COLUMNS], _values(job, asked))))


def as_json(job: Job, asked: ItemQuery) -> StreamingHttpResponse:
    """A list of objects, as the API names their parts; streamed, however many."""
    return _file(job, "json", "application/json", _json_parts(_values(job, asked)))


def _values(job: Job, asked: ItemQuery) -> Iterator[tuple[Any, ...]]:
    items = asked.narrow(job.items.order_by("pk"))
    columns = ("object_type", "object_id", "object_label", "outcome", "code", "message", "duration_ms")
    yield from items.values_list(*columns).iterator(chunk_size=2000)


def _csv_lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


def _json_parts(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    between = "[\n"
    for row in rows:
        yield between + json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False)
        between = ",\n"
    yield "\n]\n" if between != "[\n" else "[]\n"


class _Echo:
    """What a CSV writer takes for a file: it hands back each line."""

    def write(self, line: str) -> str:
        return line


def _file(job: Job, ending: str, content_type: str, parts: Iterator[str]) -> StreamingHttpResponse:
    disposition = f'attachment; filename="job-{job.pk}-items.{ending}"'
    return StreamingHttpResponse(parts, content_type=content_type, headers={"Content-Disposition": disposition})
