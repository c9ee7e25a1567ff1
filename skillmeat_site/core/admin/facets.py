"""How many rows each option of a filter would leave, where that is cheap to know; nowhere a guess.

A list of at most a thousand rows has been fetched by its keys: their columns are read and tallied. Of a longer one
only filters whose column has an index of its own (``indexed``) are counted, bounded, and only where nothing else
narrows the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from skillmeat_site.core.admin.counting import bounded_counts

MOST_OF_AN_OPTION = 500

Facets = Mapping[str, Mapping[str, str]]
"""Parameter of a filter → value of an option → "12" or "500+"."""


def facets_of(changelist: Any) -> Facets:
    asked = [spec for spec in changelist.filter_specs if getattr(spec, "facet", "") and spec.value() is None]
    if not asked:
        return {}
    if changelist.more:
        return _counted(changelist, asked)
    return _tallied(changelist, asked) if changelist.listed_keys else {}


def _tallied(changelist: Any, specs: list[Any]) -> Facets:
    """Exact: every row of the list is looked at."""
    columns = [spec.facet for spec in specs]
    rows = changelist.root_queryset.order_by().prefetch_related(None).filter(pk__among=changelist.listed_keys)
    values = list(rows.values_list(*columns))
    tallies = {}
    for place, spec in enumerate(specs):
        counts = Counter(spec.option_of(row[place]) for row in values)
        tallies[spec.parameter_name] = {value: str(counts[value]) for value, _text in spec.lookup_choices}
    return tallies


def _counted(changelist: Any, specs: list[Any]) -> Facets:
    narrowed = set(changelist.get_filters_params())
    if narrowed or changelist.query:
        return {}
    indexed = [spec for spec in specs if spec.indexed]
    options = [(spec, value) for spec in indexed for value, _text in spec.lookup_choices]
    rows = changelist.queryset.order_by()
    counts = bounded_counts([rows.filter(**{spec.facet: value}) for spec, value in options], MOST_OF_AN_OPTION)
    found: dict[str, dict[str, str]] = {}
    for (spec, value), count in zip(options, counts, strict=True):
        found.setdefault(str(spec.parameter_name), {})[value] = str(count)
    return found
