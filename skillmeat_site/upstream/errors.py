"""Why a repository could not be read. Each kind has its own code, so that a caller can tell what to do."""

from __future__ import annotations

from typing import Any, ClassVar

from skillmeat_site.core.errors import DomainError


class UpstreamError(DomainError):
    """Base of all of them. Whatever it was, nothing has been changed.

    500, as the contract has it for a scan or an import that failed; the code tells what it was.
    """

    status = 500
    title = "The repository could not be read"
    advice: ClassVar[str] = ""
    """What whoever reads it may do. Ends every detail, so that no place that raises one has to think of it."""

    def __init__(self, detail: str = "", **more: Any) -> None:
        told = detail or self.title
        # One that is made anew from what a job kept says it already.
        super().__init__(told if told.endswith(self.advice) else f"{told}; {self.advice}", **more)


class InvalidUrl(UpstreamError):
    code = "invalid_url"
    status = 400
    title = "The URL is not one of a repository"


class InvalidRef(UpstreamError):
    code = "invalid_ref"
    status = 400
    title = "The ref is not a valid name"


class HostNotAllowed(UpstreamError):
    code = "host_not_allowed"
    status = 400
    title = "Sources from this host are not allowed"


class PathNotAllowed(UpstreamError):
    code = "path_not_allowed"
    status = 400
    title = "The path lies outside the allowed roots"


class UpstreamUnreachable(UpstreamError):
    """``offline``: no connection came about, so that it is the same for all repositories of the host."""

    code = "upstream_unreachable"
    title = "The host of the repository cannot be reached"
    advice = "scan again later: sweeps come back by themselves"

    def __init__(self, detail: str = "", *, offline: bool = False, **more: Any) -> None:
        super().__init__(detail, **more)
        self.offline = offline


class UpstreamTimeout(UpstreamError):
    code = "upstream_timeout"
    title = "The repository's host took too long"
    advice = "scan again later, or allow more time (SKILLMEAT_UPSTREAM_TIMEOUT, SKILLMEAT_UPSTREAM_FETCH_TIMEOUT)"


class UpstreamAuth(UpstreamError):
    code = "upstream_auth"
    title = "The repository's host refused the credentials"
    advice = "check GITHUB_TOKEN or the upstream token in the admin, and that it may read the repository"


class UpstreamNotFound(UpstreamError):
    code = "upstream_not_found"
    title = "The repository does not exist or is not visible"
    advice = "check the URL, and for a private repository the token"


class UpstreamRefNotFound(UpstreamError):
    code = "upstream_ref_not_found"
    title = "The repository has no such branch, tag or commit"
    advice = "correct the source's ref, or empty it for the default branch"


class UpstreamIdentityChanged(UpstreamError):
    """Under the known name lies another repository now, and the known one is gone."""

    code = "upstream_identity_changed"
    title = "The name belongs to another repository now"


class UpstreamBlocked(UpstreamError):
    code = "upstream_blocked"
    title = "The repository was taken down"
    advice = "disable the source; its entries stay"


class UpstreamRateLimited(UpstreamError):
    code = "upstream_rate_limited"
    status = 503
    defers = True
    title = "The host's rate limit is used up"
    advice = "come back when the limit is reset, or set GITHUB_TOKEN"


class UpstreamInvalid(UpstreamError):
    """The answer is cut off, corrupt or of another shape than promised."""

    code = "upstream_invalid"
    title = "The repository's host gave an unusable answer"
    advice = "scan again later"


class ContentMismatch(UpstreamError):
    """Bytes whose hash is not the id they were asked by."""

    code = "content_mismatch"
    title = "Content does not match its id"
    advice = "scan again; if it stays, the host or its mirror is damaged"


class ProviderUnavailable(DomainError):
    """The provider that is chosen cannot read the source, or is turned off."""

    code = "provider_unavailable"
    status = 400
    title = "The provider cannot read this source"
