"""What GitHub says of many sources. The one place that decides by how many requests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import structlog

from marketplace.models import Source
from marketplace.services.batches import by_question, grouped
from marketplace.services.identity import facts_about
from marketplace.services.upstreams import address_of
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.upstream_tokens import TokenFinder, token_finder
from skillmeat_site.core.upstreams import access_policy, batch_settings, github_settings
from skillmeat_site.upstream.errors import (
    ProviderUnavailable,
    UpstreamAuth,
    UpstreamError,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamUnreachable,
)
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_batch import GitHubBatch, RepositoryNow
from skillmeat_site.upstream.types import RepositoryFacts

log = structlog.get_logger(__name__)

Answer = RepositoryFacts | DomainError
_Limits = dict[str, UpstreamRateLimited]
"""By token: what one of them used up, the others still have."""


def is_on_github(source: Source) -> bool:
    """Whether there is an API to ask about the source. Raises InvalidUrl, HostNotAllowed as ``address_of``."""
    return access_policy().is_github(address_of(source))


def topics_of(sources: Sequence[Source], report: Report) -> Iterator[tuple[Source, Answer]]:
    """Tell of each source, once, what GitHub says of it, or why it could not be asked. All lie on GitHub.

    Several that have a token are asked about in batches; what a batch does not settle is asked for by itself, and
    so is a single source where it can be. One fails without the others. After a limit is reached nothing more is
    asked with its token, nor at all where there is no connection: the rest has the same error. Raises Cancelled,
    JobTimeout and LeaseLost.
    """
    alone, limits = list(sources), _Limits()
    if len(sources) > 1 or github_settings() is None:
        groups = grouped(sources)
        yield from groups.refused
        alone = groups.others
        for token, askable in groups.by_token.items():
            for source, answer in _in_batches(token, askable, report):
                if isinstance(answer, UpstreamRateLimited):
                    limits[token] = answer
                if answer is None:
                    alone.append(source)
                else:
                    yield source, answer
    yield from _one_by_one(alone, limits, report)


def _in_batches(token: str, sources: Sequence[Source], report: Report) -> Iterator[tuple[Source, Answer | None]]:
    """The same for sources of one token; None for those that have to be asked about by themselves."""
    settings = batch_settings(background=False)
    waiting = by_question(sources)
    rest: Answer | None = None
    if settings is not None:
        try:
            for batch in GitHubBatch(settings, token).ask(list(waiting), tick=report.tick):
                for asked, told in batch.answers:
                    yield from ((source, _answer(source, told)) for source in waiting.pop(asked))
        except (UpstreamRateLimited, UpstreamAuth) as error:
            rest = error
        except UpstreamError as error:
            log.warning("topics.no_batches", code=error.code, detail=error.detail)
    for source in itertools.chain.from_iterable(waiting.values()):
        yield source, rest


def _answer(source: Source, told: RepositoryNow | DomainError) -> Answer | None:
    """None where it takes the repository's id to know: by the name alone there is none, or another one."""
    if isinstance(told, RepositoryNow):
        return told.facts if source.repository_id in (None, told.facts.id) else None
    return told if isinstance(told, UpstreamNotFound) and source.repository_id is None else None


def _one_by_one(sources: Sequence[Source], limits: _Limits, report: Report) -> Iterator[tuple[Source, Answer]]:
    if not sources:
        return
    settings, token_of = github_settings(), token_finder()
    away: UpstreamUnreachable | None = None
    for source in sources:
        if settings is None:
            yield source, ProviderUnavailable("GitHub's API is turned off; topics are told by it alone.")
            continue
        answer = away or _alone(source, GitHubProvider(settings), limits, token_of, report)
        if isinstance(answer, UpstreamUnreachable) and answer.offline:
            away = answer
        yield source, answer


def _alone(source: Source, host: GitHubProvider, limits: _Limits, token_of: TokenFinder, report: Report) -> Answer:
    token = ""
    try:
        token = token_of(address_of(source)) or ""
        return limits.get(token) or facts_about(source, host, report.tick)
    except (Cancelled, JobTimeout, LeaseLost):
        raise
    except UpstreamRateLimited as error:
        limits[token] = error
        return error
    except DomainError as error:
        return error
