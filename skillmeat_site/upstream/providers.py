"""Which provider reads which repository."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.policy import check_allowed
from skillmeat_site.upstream.types import Provider, RepositoryAddress


class ProviderChoice(StrEnum):
    """Who shall read a source. AUTO: the API for what is on GitHub, with git as its fallback; git for the rest."""

    AUTO = "auto"
    GIT = "git"
    GITHUB = "github"


def provider_for(
    address: RepositoryAddress,
    settings: GitSettings,
    *,
    github: GitHubSettings | None = None,
    choice: ProviderChoice | str = ProviderChoice.AUTO,
) -> Provider:
    """Return the provider for this address. ``github`` None, or without ``api_url``, leaves everything to git.

    GITHUB uses the API alone, unless ``github`` names a fallback. Raises HostNotAllowed or PathNotAllowed before
    anything is asked, InvalidParameter for GITHUB where the address is not on GitHub or its API is not configured.
    """
    check_allowed(address, settings.policy)
    chosen = ProviderChoice(choice)
    on_github = github is not None and bool(github.api_url) and github.policy.is_github(address)
    if chosen is ProviderChoice.GITHUB and not on_github:
        raise InvalidParameter("the source is not on the GitHub host that is configured, or its API is turned off")
    if chosen is ProviderChoice.GIT or github is None or not on_github:
        return GitProvider(settings)
    if chosen is ProviderChoice.AUTO and github.fallback is None:
        github = replace(github, fallback=GitProvider(settings))
    return GitHubProvider(github)
