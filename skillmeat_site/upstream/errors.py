"""Why a repository could not be read. Each kind has its own code, so that a caller can tell what to do."""

from __future__ import annotations

from skillmeat_site.core.errors import DomainError


class UpstreamError(DomainError):
    """Base of all of them. Whatever it was, nothing has been changed.

    500, as the contract has it for a scan or an import that failed; the code tells what it was.
    """

    status = 500
    title = "The repository could not be read"


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
    code = "upstream_unreachable"
    title = "The host of the repository cannot be reached"


class UpstreamTimeout(UpstreamError):
    code = "upstream_timeout"
    title = "The repository's host took too long"


class UpstreamAuth(UpstreamError):
    code = "upstream_auth"
    title = "The repository's host refused the credentials"


class UpstreamNotFound(UpstreamError):
    code = "upstream_not_found"
    title = "The repository does not exist or is not visible"


class UpstreamRefNotFound(UpstreamError):
    code = "upstream_ref_not_found"
    title = "The repository has no such branch, tag or commit"


class UpstreamBlocked(UpstreamError):
    code = "upstream_blocked"
    title = "The repository was taken down"


class UpstreamRateLimited(UpstreamError):
    code = "upstream_rate_limited"
    status = 503
    title = "The host's rate limit is used up"


class UpstreamInvalid(UpstreamError):
    """The answer is cut off, corrupt or of another shape than promised."""

    code = "upstream_invalid"
    title = "The repository's host gave an unusable answer"


class ContentMismatch(UpstreamError):
    """Bytes whose hash is not the id they were asked by."""

    code = "content_mismatch"
    title = "Content does not match its id"
