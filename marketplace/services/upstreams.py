"""Where a source is, and who reads it."""

from __future__ import annotations

from marketplace.models import Source
from skillmeat_site.core.upstreams import access_policy, provider_at
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.providers import ProviderChoice
from skillmeat_site.upstream.types import Provider, RepositoryAddress


def provider_of(source: Source, *, background: bool = False) -> Provider:
    """Who reads this source. Raises like ``provider_at``, and what ``address_of`` raises."""
    return provider_at(address_of(source), ProviderChoice(source.provider), background=background)


def address_of(source: Source) -> RepositoryAddress:
    return parse_url(source.url, access_policy(), ref=source.ref)
