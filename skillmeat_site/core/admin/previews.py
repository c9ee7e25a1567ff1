"""What an action would do, for its confirmation: counted, and object by object.

A preview is *exact* if it comes out of the job's own dry run, else an *estimate* out of what the database knows. The
page says which of the two it shows, and an estimate has words of its own wherever it does not know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db.models import Count as Number
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Text, Tone
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import ItemOutcome, Row


class Count(NamedTuple):
    """One line of a preview beside its fates: something that is worth knowing of some of the objects."""

    label: Text
    rows: int


class Planned(NamedTuple):
    """One object and its fate. ``label`` may be empty: the page looks up the names of those that it shows."""

    type: str
    id: str
    label: str
    fate: str
    code: str = ""
    message: str = ""


PLANNED: Words = {
    ItemOutcome.CREATED: (_("will be created"), Tone.GOOD),
    ItemOutcome.UPDATED: (_("will be changed"), Tone.GOOD),
    ItemOutcome.UNCHANGED: (_("are so already"), Tone.QUIET),
    ItemOutcome.REMOVED: (_("will be removed"), Tone.INFO),
    ItemOutcome.SKIPPED: (_("will be skipped"), Tone.QUIET),
    ItemOutcome.CONFLICT: (_("are in conflict"), Tone.WARNING),
    ItemOutcome.FAILED: (_("cannot be done"), Tone.BAD),
    ItemOutcome.DEFERRED: (_("will be deferred"), Tone.WARNING),
}
"""The fates of an exact preview, and of an estimate that can tell them."""


class Preview(Protocol):
    """``words`` names the fates in the order of the page; ``counts`` how many objects have each."""

    words: Words
    counts: Mapping[str, int]
    exact: bool
    note: Text
    facts: Sequence[Count]
    made_at: datetime | None

    def rows(self, fate: str, hidden: Set[str] = frozenset()) -> Any:
        """Those of one fate, or all if it is empty; something that can be counted and sliced.

        ``hidden``: types of objects that are left out.
        """

    def shown(self, row: Any) -> Planned:
        """One of ``rows``, for the page."""


class ListedPreview:
    """A preview that was worked out just now."""

    made_at: datetime | None = None

    def __init__(
        self,
        rows: Iterable[Planned],
        *,
        words: Words = PLANNED,
        exact: bool = True,
        note: Text = "",
        facts: Sequence[Count] = (),
    ) -> None:
        self._rows = list(rows)
        self.words, self.exact, self.note, self.facts = words, exact, note, facts
        self.counts: Mapping[str, int] = Counter(row.fate for row in self._rows)

    def rows(self, fate: str, hidden: Set[str] = frozenset()) -> Sequence[Planned]:
        if not fate and not hidden:
            return self._rows
        return [row for row in self._rows if fate in ("", row.fate) and row.type not in hidden]

    def shown(self, row: Planned) -> Planned:
        return row


class JobPreview:
    """A preview that a job has worked out: its items."""

    words = PLANNED
    exact = True
    note: Text = ""
    facts: Sequence[Count] = ()

    def __init__(self, job: Job) -> None:
        self._job = job
        self.made_at = job.finished_at
        counted = job.items.order_by().values_list("outcome").annotate(n=Number("pk"))
        self.counts: Mapping[str, int] = dict(counted)

    def rows(self, fate: str, hidden: Set[str] = frozenset()) -> Any:
        items = self._job.items.order_by("pk").defer("detail").exclude(object_type__in=hidden)
        return items.filter(outcome=fate) if fate else items

    def shown(self, row: JobItem) -> Planned:
        return Planned(row.object_type, row.object_id, row.object_label, row.outcome, row.code, row.message)


def planned_of(row: Row) -> Planned:
    """A row of a dry run."""
    return Planned(row.object.type, row.object.id, row.object.label, row.outcome, row.code, row.message)


def estimate(
    type_: str,
    ids: Iterable[Any],
    fate_of: Callable[[Any], str],
    *,
    words: Words,
    note: Text = "",
    facts: Sequence[Count] = (),
) -> ListedPreview:
    """A preview of what the database alone can tell, for ids of objects of one type."""
    rows = (Planned(type_, str(pk), "", fate_of(pk)) for pk in ids)
    return ListedPreview(rows, words=words, exact=False, note=note, facts=facts)
