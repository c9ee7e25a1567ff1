"""A list of a million rows that costs what a list of fifty costs.

Nothing is counted to its end. One statement fetches the keys of a page and of a thousand rows beyond it: that tells
what is on the page, whether there is more, and how many there are if they are few. Only the page's own rows are read.
What is selected "across all pages" is the query itself, never a number: the confirmation tells how many they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.admin.views.main import ALL_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from skillmeat_site.core.admin.counting import Bounded, bounded_counts
from skillmeat_site.core.admin.display import Text, change_url
from skillmeat_site.core.admin.facets import facets_of
from skillmeat_site.core.text import printable

AHEAD = 1_000
"""Rows beyond a page's first that are looked at: up to so many, a list tells its exact length."""
MOST_OF_A_VIEW = 99
"""A view's number is not counted beyond; "99+" stands for more."""
MAX_PAGE = 10_000_000
"""A page number beyond is no page of any list, and no number for a database."""
SHOWN_IN_A_CHIP = 60


@dataclass(frozen=True, slots=True)
class View:
    """A saved query: its name, and the URL's query that asks it. Without ``counted`` it has no number."""

    label: Text
    query: Mapping[str, str] = field(default_factory=dict)
    counted: bool = True


class Tab(NamedTuple):
    label: Text
    url: str
    current: bool
    size: Bounded | None


class Chip(NamedTuple):
    """A filter that holds; ``url`` leads to the list without it."""

    title: str
    text: str
    url: str


class Leaf(NamedTuple):
    """A page to go to; no ``url``: the one that is shown, or a gap."""

    text: str
    url: str
    current: bool


class BoundedChangeList(ChangeList):
    """Django's list, counted ahead instead of through."""

    model_admin: Any
    filter_specs: list[Any]
    request: HttpRequest
    more: bool
    """Whether there are more rows than ``result_count``, which is then a lower bound."""

    def get_results(self, request: HttpRequest) -> None:
        self.request = request
        size = self.list_max_show_all if self.show_all else self.list_per_page
        self.page_num = min(max(self.page_num, 1), MAX_PAGE)
        before = (self.page_num - 1) * size
        keys = self._keys(before, AHEAD + 1)
        if not keys and before:
            before, keys = self._last_page(request, size, before)
        self.more = len(keys) > AHEAD
        self.result_count = before + len(keys) - self.more
        self.listed_keys = keys[:AHEAD] if not before else None
        self.result_list = self._rows(keys[:size])
        self.multi_page = self.more or self.result_count > size
        self.can_show_all = self.multi_page and self.length <= (self.list_max_show_all, False)
        self.paginator = Paginator(range(self.result_count), size)
        self.show_full_result_count, self.full_result_count = False, None
        self.show_admin_actions = bool(self.result_list)
        self.facets = facets_of(self)
        for spec in self.filter_specs:
            spec.other_params = [pair for pair in self.hidden_params if pair[0] not in spec.expected_parameters()]

    def _keys(self, begin: int, number: int) -> list[Any]:
        keys = self.queryset.prefetch_related(None).values_list("pk", flat=True)
        return list(keys[begin : begin + number])

    def _last_page(self, request: HttpRequest, size: int, before: int) -> tuple[int, list[Any]]:
        """The list has become shorter than the page that was asked for."""
        length = self.queryset.order_by()[:before].count()
        asked, self.page_num = self.page_num, max(1, -(-length // size))
        messages.warning(request, _("There is no page %(n)d: this is the last one.") % {"n": asked})
        begin = (self.page_num - 1) * size
        return begin, self._keys(begin, AHEAD + 1)

    def _rows(self, keys: Sequence[Any]) -> list[Any]:
        """The rows of these keys, in their order. Filters and search need not be asked again."""
        rows = self.root_queryset.order_by()
        if not rows.query.select_related:
            rows = self.apply_select_related(rows)
        found = {row.pk: row for row in rows.filter(pk__in=keys)} if keys else {}
        listed = [found[key] for key in keys if key in found]
        self.model_admin.prepare_rows(listed)
        return listed

    @cached_property
    def has_hidden_rows(self) -> bool:
        """Whether the list would have rows without its filters. Asked where it has none."""
        return self.root_queryset.order_by().exists()

    def url_for_result(self, result: models.Model) -> str:
        """Django's own, without looking the address up for every row."""
        return change_url(result)

    # What the templates ask for

    @property
    def length(self) -> Bounded:
        return Bounded(self.result_count, self.more)

    @property
    def length_in_words(self) -> str:
        name = self.opts.verbose_name if self.result_count == 1 else self.opts.verbose_name_plural
        words = {"n": f"{self.result_count:,}", "name": name}
        return _("more than %(n)s %(name)s") % words if self.more else f"{words['n']} {words['name']}"

    @property
    def select_all_text(self) -> str:
        """Never tells a number that was not counted."""
        if self.more:
            return _("Select all that match, on every page (%(rows)s)") % {"rows": self.length_in_words}
        return _("Select all %(rows)s") % {"rows": self.length_in_words}

    @property
    def all_selected_text(self) -> str:
        if self.more:
            return _("All that match are selected (%(rows)s)") % {"rows": self.length_in_words}
        one, many = _("%(n)d selected"), _("All %(n)d selected")
        return ngettext(one, many, self.result_count) % {"n": self.result_count}

    def leaves(self) -> Iterator[Leaf]:
        """The pages around this one, the first, and the last that is known."""
        gap = str(self.paginator.ELLIPSIS)
        for number in self.paginator.get_elided_page_range(self.page_num, on_each_side=2, on_ends=1):
            here = number == self.page_num
            url = "" if here or number == gap else self.get_query_string({PAGE_VAR: number})
            yield Leaf(str(number), url, here)
        if self.more:
            yield Leaf(gap, "", False)

    @property
    def previous_url(self) -> str:
        return self.get_query_string({PAGE_VAR: self.page_num - 1}) if self.page_num > 1 else ""

    @property
    def next_url(self) -> str:
        last = self.page_num >= self.paginator.num_pages and not self.more
        return "" if last else self.get_query_string({PAGE_VAR: self.page_num + 1})

    @property
    def all_url(self) -> str:
        return self.get_query_string({ALL_VAR: ""}) if self.can_show_all and not self.show_all else ""

    @property
    def own_url(self) -> str:
        """This list with its filters, search and order, and nothing else: to keep, or to send to somebody."""
        return self.get_query_string()

    @property
    def filter_media(self) -> str:
        """What the filters that find by typing need."""
        return next((str(spec.media()) for spec in self.filter_specs if hasattr(spec, "media")), "")

    @property
    def hidden_params(self) -> list[tuple[str, str]]:
        """What a form on this page has to repeat so that filters hold."""
        return [(name, value) for name, values in self.filter_params.items() for value in values]

    @cached_property
    def chips(self) -> list[Chip]:
        chips = [chip for spec in self.filter_specs for chip in self._chips_of(spec)]
        if self.query:
            words = _shortened(f"“{printable(self.query)}”")
            chips.insert(0, Chip(_("Search"), words, self.get_query_string({SEARCH_VAR: None})))
        return chips

    @property
    def clear_url(self) -> str:
        """The list without filters and search, in the same order."""
        kept = {name: value for name, value in self.params.items() if name == ORDER_VAR}
        return f"?{urlencode(kept)}"

    def _chips_of(self, spec: Any) -> Iterator[Chip]:
        title = capfirst(str(spec.title))
        if hasattr(spec, "default_chip"):
            yield from (Chip(title, text, self.get_query_string(new)) for text, new in spec.default_chip())
            return
        used = [name for name in spec.expected_parameters() if name in self.filter_params]
        if not used:
            return
        chosen = [str(choice["display"]) for choice in spec.choices(self) if choice["selected"]]
        text = chosen[0] if chosen else printable(str(self.params[used[0]]))
        yield Chip(title, _shortened(text), self.get_query_string(dict.fromkeys(used)))

    @cached_property
    def tabs(self) -> list[Tab]:
        """The saved queries; the first is the list as it is without any."""
        views: Sequence[View] = self.model_admin.views
        if not views:
            return []
        asked = {name: value for name, value in self.params.items() if name != ORDER_VAR}
        counted = [view for view in views if view.counted and asked != dict(view.query)]
        sizes = bounded_counts([self._rows_of(view) for view in counted], MOST_OF_A_VIEW)
        size_of = dict(zip([view.label for view in counted], sizes, strict=True))
        everything = Tab(_("All"), "?", not asked, None)
        return [
            everything,
            *(
                Tab(view.label, f"?{urlencode(view.query)}", True, self._own_size() if view.counted else None)
                if asked == dict(view.query)
                else Tab(view.label, f"?{urlencode(view.query)}", False, size_of.get(view.label))
                for view in views
            ),
        ]

    def _own_size(self) -> Bounded:
        """Of the view that is shown: the list has counted it already."""
        beyond = self.more or self.result_count > MOST_OF_A_VIEW
        return Bounded(min(self.result_count, MOST_OF_A_VIEW), beyond)

    def _rows_of(self, view: View) -> models.QuerySet[Any]:
        """The rows that the view's URL shows: the same filters, asked with its query."""
        request = copy(self.request)
        request.GET = QueryDict(urlencode(view.query))
        params: dict[str, Any] = dict(request.GET.lists())
        rows = self.root_queryset
        kinds: Sequence[Any] = self.list_filter
        for kind in kinds:
            spec = kind(request, params, self.model, self.model_admin)
            narrowed = spec.queryset(request, rows)
            rows = rows if narrowed is None else narrowed
        return rows


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_IN_A_CHIP else f"{text[: SHOWN_IN_A_CHIP - 1]}…"
