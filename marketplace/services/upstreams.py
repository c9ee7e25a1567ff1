"""The settings that upstream needs, taken from Django's. The one place where the two meet."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from marketplace.models import Source
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import RepositoryAddress


def access_policy() -> AccessPolicy:
    return AccessPolicy(
        allowed_hosts=tuple(settings.SKILLMEAT_ALLOWED_HOSTS),
        local_roots=tuple(settings.SKILLMEAT_LOCAL_SOURCE_ROOTS),
        github_url=settings.SKILLMEAT_GITHUB_URL,
    )


def token_for(address: RepositoryAddress) -> str | None:
    """GITHUB_TOKEN, for what lies below SKILLMEAT_GITHUB_URL (scheme, host and port) and nothing else."""
    return (settings.GITHUB_TOKEN or None) if access_policy().is_github(address) else None


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
    )


def unrestricted_settings() -> GitSettings:
    """For a command whose caller could read the path anyway: any local path, else the same rules."""
    return git_settings(replace(access_policy(), any_local=True))


def address_of(source: Source) -> RepositoryAddress:
    return parse_url(source.url, access_policy(), ref=source.ref)


def provider_of(source: Source):  # type: ignore[no-untyped-def]
    """Placeholder until the wiring is merged."""
    from skillmeat_site.upstream.providers import provider_for

    return provider_for(address_of(source), git_settings())
