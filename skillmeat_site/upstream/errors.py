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
    hint = "Give https, ssh, `owner/name` on GitHub, or a path in an allowed root."


class InvalidRef(UpstreamError):
    code = "invalid_ref"
    status = 400
    title = "The ref is not a valid name"
    hint = "Correct the ref."


class HostNotAllowed(UpstreamError):
    code = "host_not_allowed"
    status = 400
    title = "Sources from this host are not allowed"
    hint = "List the host in `SKILLMEAT_ALLOWED_HOSTS`."


class PathNotAllowed(UpstreamError):
    code = "path_not_allowed"
    status = 400
    title = "The path lies outside the allowed roots"
    hint = "Add its folder to `SKILLMEAT_LOCAL_SOURCE_ROOTS`, or to `SKILLMEAT_PROJECT_ROOTS`."


class UpstreamUnreachable(UpstreamError):
    """``offline``: no connection came about, so that it is the same for all repositories of the host."""

    code = "upstream_unreachable"
    title = "The host of the repository cannot be reached"
    hint = "Scan again later; sweeps back off by themselves."
    advice = "scan again later: sweeps come back by themselves"

    def __init__(self, detail: str = "", *, offline: bool = False, **more: Any) -> None:
        super().__init__(detail, **more)
        self.offline = offline


class UpstreamTimeout(UpstreamError):
    code = "upstream_timeout"
    title = "The repository's host took too long"
    hint = "Scan again later, or allow more time."
    advice = "scan again later, or allow more time (SKILLMEAT_UPSTREAM_TIMEOUT, SKILLMEAT_UPSTREAM_FETCH_TIMEOUT)"


class UpstreamAuth(UpstreamError):
    code = "upstream_auth"
    title = "The repository's host refused the credentials"
    hint = "Check `GITHUB_TOKEN`, and that it may read the repository; `/rate-limit` and `doctor` name the token."
    advice = "check GITHUB_TOKEN or the upstream token in the admin, and that it may read the repository"


class UpstreamNotFound(UpstreamError):
    code = "upstream_not_found"
    title = "The repository does not exist or is not visible"
    hint = "Check the URL; a private repository needs a token."
    advice = "check the URL, and for a private repository the token"


class UpstreamRefNotFound(UpstreamError):
    code = "upstream_ref_not_found"
    title = "The repository has no such branch, tag or commit"
    hint = "Correct the source's ref."
    advice = "correct the source's ref, or empty it for the default branch"


class UpstreamIdentityChanged(UpstreamError):
    """Under the known name lies another repository now, and the known one is gone."""

    code = "upstream_identity_changed"
    title = "The name belongs to another repository now"
    hint = "If the new repository is meant, delete the source and register it again."


class UpstreamBlocked(UpstreamError):
    code = "upstream_blocked"
    title = "The repository was taken down"
    hint = "Nothing; disable the source."
    advice = "disable the source; its entries stay"


class UpstreamRateLimited(UpstreamError):
    code = "upstream_rate_limited"
    status = 503
    defers = True
    title = "The host's rate limit is used up"
    hint = "Come back then; items not attempted are `deferred`, retry the job."
    advice = "come back when the limit is reset; without a token it is low"


class UpstreamInvalid(UpstreamError):
    """The answer is cut off, corrupt or of another shape than promised."""

    code = "upstream_invalid"
    title = "The repository's host gave an unusable answer"
    hint = "Scan again later."
    advice = "scan again later"


class ContentMismatch(UpstreamError):
    """Bytes whose hash is not the id they were asked by."""

    code = "content_mismatch"
    title = "Content does not match its id"
    hint = "Scan again; if it stays, the mirror or the host is damaged: delete the source's folder below `mirrors/`."
    advice = "scan again; if it stays, the host or its mirror is damaged"


class ProviderUnavailable(DomainError):
    """The provider that is chosen cannot read the source, or is turned off."""

    code = "provider_unavailable"
    status = 400
    title = "The provider cannot read this source"
    hint = "Choose `auto`, or see `SKILLMEAT_GITHUB_API_URL` and `SKILLMEAT_GITHUB_TIERS` in docs/configuration.md."
