"""What a sweep will take of the budgets, before it begins."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from marketplace.models import Source
from marketplace.services.batches import Groups, by_question, grouped, on_github
from marketplace.services.upstreams import address_of
from skillmeat_site.core.budgets import Account, standings_of
from skillmeat_site.core.ledger import Forecast
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import TERMINAL, ItemOutcome
from skillmeat_site.core.upstream_tokens import token_finder
from skillmeat_site.core.upstreams import account_of, github_settings
from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.errors import UpstreamAuth
from skillmeat_site.upstream.github_batch import queries_for
from skillmeat_site.upstream.providers import ProviderChoice

CHANGED_SHARE = 0.05
"""Of the sources, where no sweep before tells better."""
SWEEPS = 5
"""The last ones, whose share of changed sources is expected again."""
PER_CHANGED = {Resource.CORE: 2, Resource.GIT: 4}
"""Requests of a changed source, besides the question whether it has: by the API its tree and what is new of its
manifests (more than two are read by git); by git trees and manifests, two each."""


_DAY = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class SweepForecast:
    """What a sweep will ask of GitHub, with each token that it uses."""

    parts: Mapping[Account, Forecast]

    @property
    def needs(self) -> dict[Resource, int]:
        """Requests by resource, of all tokens together."""
        total: Counter[Resource] = Counter()
        for part in self.parts.values():
            total.update(part.needs)
        return dict(total)

    @property
    def requests(self) -> int:
        return sum(part.requests for part in self.parts.values())

    @property
    def enough(self) -> bool:
        """Whether no token comes down to its reserve."""
        return all(part.enough for part in self.parts.values())

    @property
    def done_at(self) -> datetime:
        return max(part.done_at for part in self.parts.values())


def forecast_sweep(sources: Sequence[Source]) -> SweepForecast | None:
    """How many requests a sweep of these sources will make at GitHub, beside what is left; None: none at all.

    Statements do not grow with the sources, only with the tokens: two for each.
    """
    known = on_github(sources)
    if not known:
        return None
    share, now = changed_share(), timezone.now()
    needs: dict[str, Counter[Resource]] = defaultdict(Counter)
    groups = grouped(known)
    has_api = github_settings() is not None
    for token, askable in groups.by_token.items():
        needs[token][Resource.GRAPHQL] += queries_for(len(by_question(askable)))
        reader = Resource.CORE if has_api else Resource.GIT
        needs[token][reader] += _changed(askable, share) * PER_CHANGED[reader]
    for (token, reader), alone in _one_by_one(groups.others).items():
        needs[token][reader] += len(alone) + _changed(alone, share) * PER_CHANGED[reader]
    accounts = {account_of(token): dict(needed) for token, needed in needs.items()}
    parts = {account: Forecast(needed, standings_of(account), now) for account, needed in accounts.items()}
    return SweepForecast(parts) if parts else None


def _one_by_one(sources: Iterable[Source]) -> dict[tuple[str, Resource], list[Source]]:
    """Those that are asked about by themselves, by token and by who asks. What has a refused token asks nothing."""
    found: dict[tuple[str, Resource], list[Source]] = defaultdict(list)
    token_for, has_api = token_finder(), github_settings() is not None
    for source in sources:
        try:
            token = token_for(address_of(source)) or ""
        except UpstreamAuth:
            continue
        by_api = source.provider == ProviderChoice.GITHUB or (source.provider == ProviderChoice.AUTO and token)
        found[token, Resource.CORE if by_api and has_api else Resource.GIT].append(source)
    return found


def _changed(sources: Sequence[Source], share: float) -> int:
    """How many of them will have to be read: all that never were, and a share of the others."""
    never = sum(source.last_success_at is None for source in sources)
    return never + round((len(sources) - never) * share)


def changed_share() -> float:
    """The share of changed sources in the last sweeps."""
    jobs = Job.objects.filter(kind="marketplace.bulk_rescan", status__in=TERMINAL).order_by("-created_at")
    outcomes = (ItemOutcome.UPDATED, ItemOutcome.UNCHANGED)
    items = JobItem.objects.filter(job__in=list(jobs.values_list("pk", flat=True)[:SWEEPS]), outcome__in=outcomes)
    counts = dict(items.order_by().values_list("outcome").annotate(Count("pk")))
    total = sum(counts.values())
    return counts.get(ItemOutcome.UPDATED, 0) / total if total else CHANGED_SHARE


def forecast_topics(sources: Sequence[Source]) -> SweepForecast | None:
    """The same for topics: a request for many with a token, one for each without one, and for a single source."""
    known = on_github(sources)
    if not known or github_settings() is None:
        return None
    groups, now = grouped(known) if len(known) > 1 else Groups(others=known), timezone.now()
    parts = {
        account_of(token): {Resource.GRAPHQL: queries_for(len(by_question(askable)))}
        for token, askable in groups.by_token.items()
    }
    alone = Counter(token for (token, _), found in _one_by_one(groups.others).items() for _ in found)
    for token, count in alone.items():
        account = account_of(token)
        parts[account] = {**parts.get(account, {}), Resource.CORE: count}
    if not parts:
        return None
    return SweepForecast({account: Forecast(needs, standings_of(account), now) for account, needs in parts.items()})


def _up_to_the_minute(moment: datetime) -> datetime:
    return (moment + timedelta(seconds=59)).replace(second=0, microsecond=0)


def in_words(forecast: SweepForecast) -> str:
    """For a person: "This run needs about 12 requests, 4,900 of 5,000 left (graphql), all fresh by 14:20".

    Where several tokens are used, each is told by its name.
    """
    until = timezone.localtime(_up_to_the_minute(forecast.done_at))
    when = until.strftime("%H:%M" if until - timezone.localtime() < _DAY else "%Y-%m-%d %H:%M")
    waits = "" if forecast.enough else "; what a limit defers is taken up by retrying the job"
    parts = forecast.parts
    told = "; ".join(
        part.in_words() if len(parts) == 1 else f"with {account.token_name} {part.in_words()}"
        for account, part in parts.items()
    )
    return f"This run {told}, all fresh by {when}{waits}"


def left_in_words(sources: Sequence[Source]) -> str:
    """What is left after a run over these; empty where GitHub has not told."""
    groups, now = grouped(on_github(sources)), timezone.now()
    tokens = {*groups.by_token, *(token for token, _ in _one_by_one(groups.others))}
    told = []
    for account in map(account_of, sorted(tokens)):
        lefts = [
            f"{left:,} of {standing.limit:,} ({resource.value})"
            for resource, standing in standings_of(account).items()
            if (left := standing.left(now)) is not None and standing.limit is not None
        ]
        if lefts:
            told.append(", ".join(lefts) + (f" with {account.token_name}" if len(tokens) > 1 else ""))
    return f"Left of GitHub's limits: {'; '.join(told)}" if told else ""
