"""Which sources GitHub can be asked about together, and with which token."""

from __future__ import annotations

from collections.abc import Iterable

from marketplace.models import Source
from marketplace.services.upstreams import address_of
from skillmeat_site.core import batches
from skillmeat_site.core.batches import Groups, group, is_on_github
from skillmeat_site.core.upstreams import access_policy
from skillmeat_site.upstream.github_batch import Asked
from skillmeat_site.upstream.providers import ProviderChoice


def grouped(sources: Iterable[Source]) -> Groups[Source]:
    """Sort sources, by the settings and the stored tokens alone: two statements for any number of them."""
    return group(sources, address_of, alone=lambda source: source.provider == ProviderChoice.GIT)


def on_github(sources: Iterable[Source]) -> list[Source]:
    """Those that are on the GitHub of the settings."""
    policy = access_policy()
    return [source for source in sources if is_on_github(source, address_of, policy)]


def by_question(sources: Iterable[Source]) -> dict[Asked, list[Source]]:
    """Sources of one repository and ref, whatever their root folder, are one question."""
    return batches.by_question(sources, address_of)
