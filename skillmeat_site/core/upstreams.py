"""The settings that upstream needs, taken from Django's. The one place where the two meet."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings

from skillmeat_site.core import upstream_tokens
from skillmeat_site.core.budgets import Account, RowBudget
from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.budgeted import BudgetedProvider
from skillmeat_site.upstream.errors import ProviderUnavailable
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.providers import ProviderChoice, provider_for
from skillmeat_site.upstream.types import Provider, RepositoryAddress

_MAX_HOST = 255


def access_policy() -> AccessPolicy:
    return AccessPolicy(
        allowed_hosts=tuple(settings.SKILLMEAT_ALLOWED_HOSTS),
        local_roots=tuple(settings.SKILLMEAT_LOCAL_SOURCE_ROOTS),
        github_url=settings.SKILLMEAT_GITHUB_URL,
    )


def token_for(address: RepositoryAddress) -> str | None:
    """A stored token for the owner or the host, else GITHUB_TOKEN for what lies below SKILLMEAT_GITHUB_URL.

    Raises UpstreamAuth where that one was refused.
    """
    return upstream_tokens.token_for(address)


def git_settings(policy: AccessPolicy | None = None) -> GitSettings:
    return GitSettings(
        mirrors=settings.SKILLMEAT_MIRRORS,
        policy=policy or access_policy(),
        credentials=token_for,
        timeout=settings.SKILLMEAT_UPSTREAM_TIMEOUT,
        fetch_timeout=settings.SKILLMEAT_UPSTREAM_FETCH_TIMEOUT,
        max_entries=settings.SKILLMEAT_LISTING_MAX_ENTRIES,
        max_fetch_bytes=settings.SKILLMEAT_FETCH_MAX_BYTES,
        mirrors_max_bytes=settings.SKILLMEAT_MIRROR_MAX_BYTES,
        on_refused=upstream_tokens.note_refused,
    )


def github_host() -> str:
    """The host of GitHub's budgets, as accounts name it."""
    return urlsplit(settings.SKILLMEAT_GITHUB_URL).netloc


def account_of(token: str) -> Account:
    """Whose budget at GitHub a token is (empty: that of this machine's address)."""
    return Account.of(github_host(), token, upstream_tokens.name_of(token))


def host_of(address: RepositoryAddress) -> str:
    """The host of an address as accounts name it: with its port, which may be another server's."""
    return urlsplit(address.url).netloc.rpartition("@")[2][:_MAX_HOST]


def batch_settings(*, background: bool = True) -> GitHubSettings | None:
    """For asking GitHub about many repositories at once; None where that is turned off."""
    if not settings.SKILLMEAT_GITHUB_GRAPHQL_URL or "graphql" not in settings.SKILLMEAT_GITHUB_TIERS:
        return None
    return _github_settings(access_policy(), background=background)


def github_settings(policy: AccessPolicy | None = None, *, background: bool = False) -> GitHubSettings | None:
    """None where GitHub's API is turned off. The API's own host needs no entry in the list of hosts."""
    if not settings.SKILLMEAT_GITHUB_API_URL or "rest" not in settings.SKILLMEAT_GITHUB_TIERS:
        return None
    return _github_settings(policy or access_policy(), background=background)


def _github_settings(policy: AccessPolicy, *, background: bool) -> GitHubSettings:
    return GitHubSettings(
        api_url=settings.SKILLMEAT_GITHUB_API_URL,
        graphql_url=settings.SKILLMEAT_GITHUB_GRAPHQL_URL,
        policy=policy,
        credentials=token_for,
        download_hosts=(f"codeload.{policy.github_host}",),
        timeout=settings.SKILLMEAT_UPSTREAM_TIMEOUT,
        fetch_timeout=settings.SKILLMEAT_UPSTREAM_FETCH_TIMEOUT,
        max_entries=settings.SKILLMEAT_LISTING_MAX_ENTRIES,
        max_archive_bytes=settings.SKILLMEAT_FETCH_MAX_BYTES,
        budgets=lambda token: RowBudget(account_of(token), background=background),
        on_refused=upstream_tokens.note_refused,
    )


def unrestricted_policy() -> AccessPolicy:
    """For a command whose caller could read the path anyway: any local path, else the same rules."""
    return replace(access_policy(), any_local=True)


def provider_at(
    address: RepositoryAddress,
    choice: ProviderChoice = ProviderChoice.AUTO,
    *,
    policy: AccessPolicy | None = None,
    background: bool = False,
) -> Provider:
    """Who reads what is at this address; nothing is asked yet. ``background``: the budget's reserve is not touched.

    On GitHub, AUTO is the API with git to fall back to where there is a token, else git: without a token the API's
    quota is soon used up. Raises ProviderUnavailable, HostNotAllowed, PathNotAllowed; UpstreamAuth where git may read
    it, and the token for it is not used any more.
    """
    check_provider(address, choice)
    git, github = git_settings(policy), github_settings(policy, background=background)
    if not git.policy.is_github(address):
        provider = provider_for(address, git, github=github, choice=choice)
        return provider if address.is_local else _considerate(provider, address, background=background)
    if choice is ProviderChoice.GITHUB or not _git_reads_github():
        return provider_for(address, git, github=github, choice=ProviderChoice.GITHUB)
    token = token_for(address)
    by_git = BudgetedProvider(
        GitProvider(git), RowBudget(account_of(token or ""), background=background), Resource.GIT
    )
    if choice is ProviderChoice.GIT or token is None or github is None:
        return by_git
    return provider_for(address, git, github=replace(github, fallback=by_git), choice=choice)


def _considerate(provider: Provider, address: RepositoryAddress, *, background: bool) -> Provider:
    """Any other host has its slots too. What it has said binds sweeps; who asks for one source may try."""
    token = token_for(address) or ""
    account = Account.of(host_of(address), token, upstream_tokens.name_of(token))
    budget = RowBudget(account, background=background)
    return BudgetedProvider(provider, budget, Resource.GIT, obliged=background)


def check_provider(address: RepositoryAddress, choice: ProviderChoice) -> None:
    """Raise ProviderUnavailable where this provider cannot read what is at this address, by the settings alone."""
    on_github, has_api = access_policy().is_github(address), github_settings() is not None
    if choice is ProviderChoice.GITHUB and not on_github:
        raise ProviderUnavailable("The source is not on GitHub (SKILLMEAT_GITHUB_URL): its API knows nothing of it.")
    if choice is ProviderChoice.GITHUB and not has_api:
        raise ProviderUnavailable("GitHub's API is turned off (SKILLMEAT_GITHUB_API_URL or SKILLMEAT_GITHUB_TIERS).")
    if on_github and not _git_reads_github() and (choice is ProviderChoice.GIT or not has_api):
        also = "" if has_api else ", and so is its API"
        raise ProviderUnavailable(f"git is turned off for sources on GitHub (SKILLMEAT_GITHUB_TIERS){also}.")


def _git_reads_github() -> bool:
    return "git" in settings.SKILLMEAT_GITHUB_TIERS
