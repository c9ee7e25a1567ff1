"""What the marketplace needs: a git that keeps to one fetch; hosts that are allowed, answer, and take the token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from marketplace.services.upstreams import access_policy, account_of
from skillmeat_site.core import budgets
from skillmeat_site.core.doctor import Finding, Health, clock_finding, diagnosis, network_diagnosis
from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.errors import (
    HostNotAllowed,
    UpstreamAuth,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamTimeout,
)
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.github_token import TokenProbe, probe_token
from skillmeat_site.upstream.probe import MINIMUM, probe_git
from skillmeat_site.upstream.reachable import Reached, endpoint_of, endpoint_of_entry, reach

SECONDS = 5.0
"""For all hosts together, and again for the token: whoever runs the doctor is waiting."""
EXPIRES_SOON = timedelta(days=14)


@diagnosis
def git() -> Finding:
    try:
        probe = probe_git()
    except UpstreamError as error:
        return Finding("git", Health.ERROR, error.detail, "Install git.")
    if not probe.recent_enough:
        return Finding("git", Health.ERROR, probe.version, f"Install git {MINIMUM[0]}.{MINIMUM[1]} or newer.")
    if not probe.never_lazy:
        hint = "Install git 2.39 or newer: without GIT_NO_LAZY_FETCH every manifest would cost two requests."
        return Finding("git", Health.WARNING, f"{probe.version}, fetches lazily", hint)
    return Finding("git", Health.OK, f"{probe.version}, never fetches lazily")


@diagnosis
def sources() -> Finding:
    roots = len(settings.SKILLMEAT_LOCAL_SOURCE_ROOTS)
    hosts = ", ".join(settings.SKILLMEAT_ALLOWED_HOSTS) or "none"
    if not settings.SKILLMEAT_ALLOWED_HOSTS and not roots:
        hint = "Set SKILLMEAT_ALLOWED_HOSTS or SKILLMEAT_LOCAL_SOURCE_ROOTS."
        return Finding("sources", Health.WARNING, "no host and no folder is allowed", hint)
    return Finding("sources", Health.OK, f"hosts: {hosts}; local roots: {roots}")


@network_diagnosis
def hosts() -> list[Finding]:
    """One finding for each allowed host and the API, and one for the clocks of those that answered."""
    endpoints = [endpoint_of_entry(entry) for entry in settings.SKILLMEAT_ALLOWED_HOSTS]
    if endpoints and settings.SKILLMEAT_GITHUB_API_URL:
        endpoints.append(endpoint_of(settings.SKILLMEAT_GITHUB_API_URL))
    reached = reach(list(dict.fromkeys(endpoints)), access_policy(), seconds=SECONDS)
    findings = [_host_finding(one) for one in reached]
    skews = [one.skew for one in reached if one.skew is not None]
    if skews:
        # If one host agrees with us, it is the others who are wrong.
        findings.append(clock_finding("clock of hosts", "the hosts' clocks", min(skews, key=abs)))
    return findings


def _host_finding(reached: Reached) -> Finding:
    name, error = f"host {reached.endpoint.label}", reached.error
    if error is None:
        return Finding(name, Health.OK, "answers")
    hint = "Check the name, DNS, the firewall and HTTPS_PROXY, or take the host off SKILLMEAT_ALLOWED_HOSTS."
    if isinstance(error, UpstreamTimeout):
        return Finding(name, Health.ERROR, f"no answer within {SECONDS:g} s", hint)
    if isinstance(error, HostNotAllowed):
        hint = "If the address is meant, list it in SKILLMEAT_ALLOWED_HOSTS; if not, look at DNS and /etc/hosts."
    return Finding(name, Health.ERROR, error.detail, hint)


@network_diagnosis
def token() -> Finding:
    """Whether GitHub takes GITHUB_TOKEN."""
    if not settings.GITHUB_TOKEN:
        return Finding("token", Health.OK, "none set, git is used")
    if not settings.SKILLMEAT_GITHUB_API_URL:
        return Finding("token", Health.OK, "not tried: the API is turned off")
    api = settings.SKILLMEAT_GITHUB_API_URL
    asked = GitHubSettings(api_url=api, policy=access_policy(), timeout=SECONDS, attempts=1)
    try:
        probe = probe_token(asked, settings.GITHUB_TOKEN)
        # It was refused before and is not now: an outage at the host, or a permission given since.
        budgets.accept(account_of(settings.GITHUB_TOKEN))
        return _accepted(probe)
    except UpstreamAuth as error:
        hint = "Make a new token that may read the repositories, set GITHUB_TOKEN, and restart server and workers."
        return Finding("token", Health.ERROR, error.detail, hint)
    except UpstreamRateLimited as error:
        return Finding("token", Health.WARNING, error.detail, f"Scans go on in {error.retry_after} s.")
    except DomainError as error:
        hint = "Whether the token is good is not known; look at the hosts first."
        return Finding("token", Health.WARNING, f"could not be tried: {error.detail}", hint)


def _accepted(probe: TokenProbe) -> Finding:
    quota, expires = probe.quota, probe.expires
    detail = "accepted, " + (
        "no limit told" if quota.remaining is None else f"{quota.remaining} of {quota.limit} requests left"
    )
    if expires is None:
        return Finding("token", Health.OK, detail)
    detail += f", expires {expires.astimezone(UTC):%Y-%m-%d}"
    if expires - datetime.now(UTC) < EXPIRES_SOON:
        return Finding("token", Health.WARNING, detail, "Make a new token and set GITHUB_TOKEN before this one ends.")
    return Finding("token", Health.OK, detail)
