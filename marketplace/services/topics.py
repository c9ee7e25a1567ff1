"""What GitHub says of many sources. The one place that decides by how many requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marketplace.models import Source
from marketplace.services.identity import facts_about
from marketplace.services.upstreams import address_of
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.upstreams import access_policy, github_settings
from skillmeat_site.upstream.errors import ProviderUnavailable, UpstreamRateLimited
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.types import RepositoryFacts

Answer = RepositoryFacts | DomainError


def is_on_github(source: Source) -> bool:
    """Whether there is an API to ask about the source. Raises InvalidUrl, HostNotAllowed as ``address_of``."""
    return access_policy().is_github(address_of(source))


def topics_of(sources: Sequence[Source], report: Report) -> Iterator[tuple[Source, Answer]]:
    """Tell of each source, in order, what GitHub says of it, or why it could not be asked. All lie on GitHub.

    One fails without the others. After a limit is reached nothing more is asked: the rest has the same error.
    Raises Cancelled, JobTimeout and LeaseLost.
    """
    settings = github_settings()
    limit: UpstreamRateLimited | None = None
    for source in sources:
        if settings is None:
            yield source, ProviderUnavailable("GitHub's API is turned off; topics are told by it alone.")
            continue
        if limit is not None:
            yield source, limit
            continue
        try:
            yield source, facts_about(source, GitHubProvider(settings), report.tick)
        except (Cancelled, JobTimeout, LeaseLost):
            raise
        except UpstreamRateLimited as error:
            limit = error
            yield source, error
        except DomainError as error:
            yield source, error
