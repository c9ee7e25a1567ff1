"""What a sweep will take of the budgets, before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from marketplace.models import Source
from marketplace.services.batches import batchable, on_github
from skillmeat_site.core.budgets import standings_of
from skillmeat_site.core.ledger import Forecast
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import TERMINAL, ItemOutcome
from skillmeat_site.core.upstreams import account_of, github_settings
from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.github_batch import queries_for

CHANGED_SHARE = 0.05
"""Of the sources, where no sweep before tells better."""
SWEEPS = 5
"""The last ones, whose share of changed sources is expected again."""
CORE_PER_CHANGED, GIT_PER_CHANGED = 2, 4
"""Requests of a changed source, besides the question whether it has: by the API its tree and what is new of its
manifests (more than two are read by git); by git trees and manifests, two each."""


_DAY = timedelta(hours=20)


def forecast_sweep(sources: Sequence[Source]) -> Forecast | None:
    """How many requests a sweep of these sources will make at GitHub, beside what is left; None: none at all."""
    known = on_github(sources)
    if not known:
        return None
    never = sum(source.last_success_at is None for source in known)
    changed = never + round((len(known) - never) * changed_share())
    has_api = bool(settings.GITHUB_TOKEN) and github_settings() is not None
    batched = batchable(known)
    needs = {Resource.GRAPHQL: queries_for(batched)} if batched else {}
    if has_api:
        needs[Resource.CORE] = len(known) * (not batched) + changed * CORE_PER_CHANGED
    else:
        needs[Resource.GIT] = len(known) * (not batched) + changed * GIT_PER_CHANGED
    return Forecast(needs, standings_of(account_of(settings.GITHUB_TOKEN)), timezone.now())


def changed_share() -> float:
    """The share of changed sources in the last sweeps."""
    jobs = Job.objects.filter(kind="marketplace.bulk_rescan", status__in=TERMINAL).order_by("-created_at")
    outcomes = (ItemOutcome.UPDATED, ItemOutcome.UNCHANGED)
    items = JobItem.objects.filter(job__in=list(jobs.values_list("pk", flat=True)[:SWEEPS]), outcome__in=outcomes)
    counts = dict(items.order_by().values_list("outcome").annotate(Count("pk")))
    total = sum(counts.values())
    return counts.get(ItemOutcome.UPDATED, 0) / total if total else CHANGED_SHARE


def _up_to_the_minute(moment: datetime) -> datetime:
    return (moment + timedelta(seconds=59)).replace(second=0, microsecond=0)


def in_words(forecast: Forecast) -> str:
    """For a person: "This run needs about 12 requests, 4,900 of 5,000 left (graphql), all fresh by 14:20"."""
    until = timezone.localtime(_up_to_the_minute(forecast.done_at))
    when = until.strftime("%H:%M" if until - timezone.localtime() < _DAY else "%Y-%m-%d %H:%M")
    waits = "" if forecast.enough else "; what a limit defers is taken up by retrying the job"
    return f"This run {forecast.in_words()}, all fresh by {when}{waits}"


def left_in_words() -> str:
    """What is left after a run; empty where GitHub has not told."""
    now, standings = timezone.now(), standings_of(account_of(settings.GITHUB_TOKEN))
    lefts = [
        f"{left:,} of {standing.limit:,} ({resource.value})"
        for resource, standing in standings.items()
        if (left := standing.left(now)) is not None and standing.limit is not None
    ]
    return f"Left of GitHub's limits: {', '.join(lefts)}" if lefts else ""
