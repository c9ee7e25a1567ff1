"""What the marketplace needs: a git that keeps to one fetch, and hosts that are allowed."""

from __future__ import annotations

from django.conf import settings

from skillmeat_site.core.doctor import Finding, Health, diagnosis
from skillmeat_site.upstream.errors import UpstreamError
from skillmeat_site.upstream.probe import MINIMUM, probe_git


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
