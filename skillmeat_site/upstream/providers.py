"""Which provider reads which repository."""

from __future__ import annotations

from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.policy import check_allowed
from skillmeat_site.upstream.types import Provider, RepositoryAddress


def provider_for(address: RepositoryAddress, settings: GitSettings) -> Provider:
    """Return the provider for this address. Raises HostNotAllowed or PathNotAllowed before anything is asked."""
    check_allowed(address, settings.policy)
    return GitProvider(settings)
