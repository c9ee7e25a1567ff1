"""Calls of git that reach upstream: the address checked, the token kept out of sight, redirects followed by our rules.

Git's own following of redirects is off. It would go wherever the answer points, private addresses included, and take
the Authorization header along in the next request.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from skillmeat_site.core.redaction import basic_credentials
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.asked import note_git
from skillmeat_site.upstream.environment import GitConfig
from skillmeat_site.upstream.errors import InvalidUrl, UpstreamInvalid
from skillmeat_site.upstream.git_errors import classify, last_answer
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.local_repository import check_local_repository
from skillmeat_site.upstream.policy import check_allowed
from skillmeat_site.upstream.process import DEFAULT_MAX_OUTPUT, Deadline, GitResult, run_git
from skillmeat_site.upstream.tokens import checked_token
from skillmeat_site.upstream.types import RepositoryAddress, Tick, no_tick

MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
_SERVICE = "/info/refs?service=git-upload-pack"

# Formal faults of old commits and trees, and faults of files that only a checkout reads: none of them concerns a
# reader of blobs, and well-known repositories have them. Broken objects and '..' or '.git' in a tree are refused.
_TOLERATED = (
    *("zeroPaddedFilemode", "zeroPaddedDate", "badTimezone", "badDate", "missingSpaceBeforeDate", "missingEmail"),
    *("missingNameBeforeEmail", "missingSpaceBeforeEmail", "badEmail", "badName", "multipleAuthors"),
    *("gitmodulesName", "gitmodulesUrl", "gitmodulesPath", "gitmodulesParse", "gitmodulesUpdate", "gitmodulesBlob"),
    *("gitmodulesLarge", "gitmodulesMissing", "gitmodulesSymlink"),
)
_COMMON: GitConfig = (
    ("http.followRedirects", "false"),
    # A host that sends less than this for so long is given up, also by a git whose worker was killed.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
    ("transfer.fsckObjects", "true"),
    ("fetch.recurseSubmodules", "false"),
    # Small answers stay packs too, so that one folder tells how much was received.
    ("fetch.unpackLimit", "1"),
    # Known here and not in the mirror's own file: a command that is not given these cannot fetch anything lazily.
    ("remote.origin.promisor", "true"),
    ("remote.origin.partialclonefilter", "blob:none"),
    *((f"fetch.fsck.{fault}", "ignore") for fault in _TOLERATED),
)


class Remote:
    """One repository upstream, for the time of one operation."""

    def __init__(self, settings: GitSettings, address: RepositoryAddress) -> None:
        self._settings = settings
        self._address = address

    def advertised_refs(self, deadline: Deadline, tick: Tick) -> bytes:
        """Return all refs of the repository, as ``git ls-remote --symref`` prints them, in one request."""
        # Version 0 of the protocol sends all refs with the first answer; version 2 takes two requests.
        config = [("protocol.version", "0")]
        result = self.run(["ls-remote", "--symref", "origin"], deadline, config=config, tick=tick)
        if self._address.url.startswith("http"):
            _require_smart(result)
        return result.stdout

    def run(
        self,
        args: Sequence[str],
        deadline: Deadline,
        *,
        git_dir: Path | None = None,
        config: GitConfig = (),
        stdin: bytes = b"",
        max_output: int = DEFAULT_MAX_OUTPUT,
        tick: Tick = no_tick,
        watch: Tick = no_tick,
        pass_fds: Sequence[int] = (),
    ) -> GitResult:
        """Run git with the repository as remote ``origin``. Where git fails, raises the UpstreamError it means.

        A redirect to another place of an allowed host is followed, for this and all later calls; one that leads
        elsewhere raises HostNotAllowed.
        """
        for _ in range(MAX_REDIRECTS + 1):
            check_allowed(self._address, self._settings.policy)
            token = self._settings.credentials(self._address) or ""
            note_git()
            result = run_git(
                args,
                deadline_seconds=deadline.remaining(),
                git=self._settings.git,
                git_dir=git_dir,
                config=(*self._config(token), *config),
                stdin=stdin,
                max_output=max_output,
                tick=tick,
                watch=watch,
                pass_fds=pass_fds,
            )
            if result.code == 0:
                return result
            answer = last_answer(result.stderr)
            if answer.status == 401 and token and self._settings.policy.is_github(self._address):
                self._settings.on_refused(token)
            if answer.status not in _REDIRECTS:
                raise classify(result.stderr, self._address, had_token=bool(token))
            self._address = self._redirected(answer.headers.get("location", ""))
        raise UpstreamInvalid("the host redirects in circles")

    def _config(self, token: str) -> GitConfig:
        scheme = urlsplit(self._address.url).scheme
        common = (*_COMMON, (f"protocol.{scheme}.allow", "always"))
        if self._address.is_local:
            return (*common, *self._local_config())
        header = (_token_header(self._address.url, token),) if token and scheme != "ssh" else ()
        return (*common, ("remote.origin.url", self._address.url), *header)

    def _local_config(self) -> GitConfig:
        """Let a local repository be read as one on a host is: its own settings may forbid it, its owner be another.

        Git drops all configuration of the caller before it serves a repository, so that it goes into the command.
        """
        path = self._address.url.removeprefix("file://")
        check_local_repository(Path(path), self._settings.policy)
        options = ["uploadpack.allowFilter=true", "uploadpack.allowAnySHA1InWant=true"]
        options += [f"safe.directory={path}", f"safe.directory={path}/.git"]
        command = [self._settings.git, *(part for option in options for part in ("-c", option)), "upload-pack"]
        # Git decodes percent signs in URLs, also in those of files.
        return (
            ("remote.origin.url", "file://" + path.replace("%", "%25")),
            ("remote.origin.uploadpack", shlex.join(command)),
        )

    def _redirected(self, location: str) -> RepositoryAddress:
        """Return the address a redirect leads to. Raises UpstreamInvalid where it is no repository on the web.

        Nothing but http(s): a host could have a local repository read that is the operator's own, or our key used.
        """
        try:
            url, found, _ = urljoin(self._address.url + _SERVICE, location).partition("/info/refs")
            on_the_web = location and found and urlsplit(url).scheme in ("https", "http")
            parsed = parse_url(url if on_the_web else "", self._settings.policy)
        except (ValueError, InvalidUrl) as error:
            raise UpstreamInvalid("the host redirects to something that is no repository") from error
        # Some hosts redirect to the spelling with .git, so that the canonical one would lead back here.
        return replace(parsed, url=url)


def _require_smart(result: GitResult) -> None:
    """Raise UpstreamInvalid where the refs came from no git server.

    Git takes any page that answers 200 for a list of refs of the old file-based protocol, and one without refs for an
    empty repository: a captive portal would empty a catalog.
    """
    answer = last_answer(result.stderr)
    smart = answer.headers.get("content-type", "").partition(";")[0].strip() == _ADVERTISEMENT
    if not smart and (answer.status or not result.stdout.strip()):
        raise UpstreamInvalid("the host does not speak git's smart protocol")


def _token_header(url: str, token: str) -> tuple[str, str]:
    """Spell the header that carries the token, for this scheme, host and port alone."""
    parts = urlsplit(url)
    credentials = basic_credentials(checked_token(token))
    return f"http.{parts.scheme}://{parts.netloc}/.extraHeader", f"Authorization: Basic {credentials}"
