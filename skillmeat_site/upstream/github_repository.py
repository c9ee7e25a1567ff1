"""The endpoints of one repository, for one operation. A rename is followed once, to the repository of the same id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from skillmeat_site.upstream.errors import UpstreamInvalid
from skillmeat_site.upstream.github_bodies import FULL_NAME, blob_content, commit_tree, facts_of, json_object, sha_line
from skillmeat_site.upstream.github_errors import Answer, Refused, Transient, meaning
from skillmeat_site.upstream.github_http import MAX_JSON_BYTES, REDIRECTS, GitHubSession
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.github_tree import read_github_tree
from skillmeat_site.upstream.policy import DEFAULT_PORTS
from skillmeat_site.upstream.types import Listing, RepositoryFacts

_SHA = "application/vnd.github.sha"
_RAW = "application/vnd.github.raw+json"
_MOVED_TO = re.compile(rf"(/repositories/[0-9]+|/repos/{FULL_NAME})(?=/|$)")

_Result = TypeVar("_Result")


class GitHubRepository:
    """Asks about one repository. Raises UpstreamError by kind, and Refused for what a method says it leaves open."""

    def __init__(self, session: GitHubSession, settings: GitHubSettings, path: str) -> None:
        """``path``: ``/repos/owner/name``, or ``/repositories/id``, which is right whatever the name is now."""
        self._session, self._settings = session, settings
        self._base = path
        self._has_moved = False

    def commit_of(self, ref: str, known: str) -> str:
        """Return the commit of ``HEAD``, ``heads/...``, ``tags/...`` or another full ref; ``known`` if it still is.

        Raises Refused with 404, 409 or 422.
        """
        path, open_ = f"/commits/{quote(ref, safe='/')}", (304, 404, 409, 422)
        try:
            # The tag of this answer is the commit's id: nothing needs to be kept to ask conditionally.
            return self._get(path, sha_line, accept=_SHA, etag=known, leave_open=open_)
        except Refused as refused:
            if refused.answer.status == 304:
                return known
            raise

    def tree_of(self, commit: str) -> str:
        """Return the id of a commit's tree. Raises Refused with 404, 409 or 422."""
        return self._get(f"/git/commits/{commit}", lambda body: commit_tree(body, commit), leave_open=(404, 409, 422))

    def tree(self, oid: str, commit: str, *, recursive: bool) -> Listing:
        """List a tree by its id."""

        def parse(body: bytes) -> Listing:
            listing = self._read_tree(body, commit)
            if listing.tree_oid != oid:
                raise UpstreamInvalid("the answer is another tree")
            return listing

        query = "?recursive=1" if recursive else ""
        return self._get(f"/git/trees/{oid}{query}", parse, max_bytes=self._settings.max_tree_bytes)

    def tree_at(self, commit: str) -> Listing:
        """List the tree of a commit by the commit's id. Whose id ``tree_oid`` holds, commit or tree, is left open.

        Raises Refused with 404, 409 or 422.
        """
        return self._get(
            f"/git/trees/{commit}?recursive=1",
            lambda body: self._read_tree(body, commit),
            max_bytes=self._settings.max_tree_bytes,
            leave_open=(404, 409, 422),
        )

    def _read_tree(self, body: bytes, commit: str) -> Listing:
        settings = self._settings
        return read_github_tree(
            body, commit=commit, max_bytes=settings.max_tree_bytes, max_entries=settings.max_entries
        )

    def blob(self, oid: str, max_bytes: int) -> bytes:
        """Return the bytes of a blob, unchecked. Raises Refused with 403, 404, 409 or 422, LimitExceeded."""
        return self._get(f"/git/blobs/{oid}", bytes, accept=_RAW, max_bytes=max_bytes, leave_open=(403, 404, 409, 422))

    def blob_from_json(self, oid: str, max_bytes: int) -> bytes:
        """Return the bytes of a blob by the other way there is. Raises what ``blob`` raises."""
        # Base64 with a line break after each 60 characters, and what stands around it.
        limit = max_bytes * 7 // 5 + MAX_JSON_BYTES
        return self._get(f"/git/blobs/{oid}", blob_content, max_bytes=limit, leave_open=(403, 404, 409, 422))

    def facts(self) -> RepositoryFacts:
        """Return what GitHub says about the repository."""
        return self._get("", lambda body: facts_of(json_object(body)))

    def check_exists(self) -> None:
        """Raise UpstreamNotFound, or what else it is, where the repository itself cannot be read."""
        self._get("", lambda body: None)

    def moved_to(self) -> str:
        """Return the name the repository has now, if it was met under an old one; else the empty string."""
        if not self._has_moved:
            return ""
        prefix, _, name = self._base.partition("/repos/")
        return name if not prefix and name else self.facts().full_name

    @contextmanager
    def archive(self, commit: str) -> Iterator[Callable[[int], bytes]]:
        """Hand out the reader of the commit's tar.gz. The body may be anything: it is for the caller to judge."""
        with ExitStack() as stack:
            try:
                location = self._session.attempt(lambda: self._archive_url(commit))
                opened = self._session.open
                response = self._session.attempt(lambda: stack.enter_context(opened(location, accept="*/*")))
                if response.status_code != 200:
                    raise self._meaning(self._session.answer_of(response, 0))
                yield lambda size: self._session.read(response, size)
            except Transient as failure:
                raise failure.error from None

    def _archive_url(self, commit: str) -> str:
        for _ in range(2):
            url = f"{self._session.api_url}{self._base}/tarball/{commit}"
            with self._session.open(url) as response:
                if response.status_code == 200:
                    return url
                if response.status_code not in REDIRECTS:
                    raise self._meaning(self._session.answer_of(response, 0))
                location = _target(url, response.headers)
            if self._new_base(location) is None:
                self._session.check_download(location)
                return location
            self._follow(location)
        raise UpstreamInvalid("the host redirects in circles")

    def _get(
        self, path: str, parse: Callable[[bytes], _Result], *, leave_open: tuple[int, ...] = (), **options: Any
    ) -> _Result:
        for _ in range(2):
            try:
                return self._session.get(self._base + path, parse, **options)
            except Refused as refused:
                answer = refused.answer
                if answer.status in leave_open:
                    raise
                if answer.status not in REDIRECTS:
                    raise self._meaning(answer) from None
                self._follow(_target(self._session.api_url + self._base, answer.headers))
        raise UpstreamInvalid("the host redirects in circles")

    def _follow(self, location: str) -> None:
        """Take the place that a redirect names for the repository's. Raises UpstreamInvalid for a second one."""
        base = self._new_base(location)
        if base is None:
            self._session.check_download(location)
            raise UpstreamInvalid("the host redirects to something that is no repository of its API")
        if self._has_moved or base == self._base:
            raise UpstreamInvalid("the host redirects in circles")
        self._base, self._has_moved = base, True

    def _new_base(self, location: str) -> str | None:
        """Return the repository's path in a URL of the API, or None where it names none."""
        found = _MOVED_TO.match(self._session.own_path(location) or "")
        return found[1] if found else None

    def _meaning(self, answer: Answer) -> Exception:
        return meaning(answer, had_token=self._session.has_token)


def _target(url: str, headers: Mapping[str, str]) -> str:
    """Return where a redirect leads to. Raises UpstreamInvalid where it names no URL of the web."""
    try:
        target = urljoin(url, headers.get("Location", ""))
        parts = urlsplit(target)
        usable = parts.scheme in DEFAULT_PORTS and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UpstreamInvalid("the host redirects to something that is no URL")
    return target
