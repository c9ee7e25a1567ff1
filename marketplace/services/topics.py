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


def is_on_github(source: Source) -> bool:
    """Whether there is an API to ask about the source. Raises InvalidUrl, HostNotAllowed as ``address_of``."""
    return access_policy().is_github(address_of(source))


def topics_of(sources: Sequence[Source], report: Report) -> Iterator[tuple[Source, Answer]]:
    """Tell of each source, once, what GitHub says of it, or why it could not be asked. All lie on GitHub.

    Several that have a token are asked about in batches; what a batch does not settle is asked for by itself, and
    so is a single source. One fails without the others. After a limit is reached, or where there is no connection at
    all, nothing more is asked: the rest has the same error. Raises Cancelled, JobTimeout and LeaseLost.
    """
    alone, limit = list(sources), None
    if len(sources) > 1:
        groups = grouped(sources)
        yield from groups.refused
        alone = groups.others
        for token, askable in groups.by_token.items():
            for source, answer in _in_batches(token, askable, limit, report):
                if isinstance(answer, UpstreamRateLimited):
                    limit = answer
                if answer is None:
                    alone.append(source)
                else:
                    yield source, answer
    yield from _one_by_one(alone, limit, report)


def _in_batches(
    token: str, sources: Sequence[Source], limit: UpstreamRateLimited | None, report: Report
) -> Iterator[tuple[Source, Answer | None]]:
    """The same for sources of one token; None for those that have to be asked about by themselves."""
    settings = batch_settings(background=False)
    waiting = by_question(sources)
    rest: Answer | None = limit
    if settings is not None and limit is None:
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


def _one_by_one(
    sources: Sequence[Source], end: UpstreamError | None, report: Report
) -> Iterator[tuple[Source, Answer]]:
    settings = github_settings()
    for source in sources:
        if settings is None:
            yield source, ProviderUnavailable("GitHub's API is turned off; topics are told by it alone.")
            continue
        if end is not None:
            yield source, end
            continue
        try:
            yield source, facts_about(source, GitHubProvider(settings), report.tick)
        except (Cancelled, JobTimeout, LeaseLost):
            raise
        except UpstreamRateLimited as error:
            end = error
            yield source, error
        except UpstreamUnreachable as error:
            end = error if error.offline else None
            yield source, error
        except DomainError as error:
            yield source, error
