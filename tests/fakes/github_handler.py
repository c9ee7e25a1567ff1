"""How the loopback GitHub answers one request."""

from __future__ import annotations

import gzip
import json
import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes import github_graphql
from tests.fakes import github_objects as objects
from tests.fakes.git_http import Handler
from tests.fakes.github_openapi import violations

if TYPE_CHECKING:
    from tests.fakes.github import GitHub, RepositoryState
    from tests.fakes.github_faults import Mangle

API = "/api/v3"
VERSIONS = ("2022-11-28",)
_REPOSITORY = "/repos/{owner}/{repo}"
_PATH = re.compile(r"/(?:repos/(?P<name>[^/]+/[^/]+)|repositories/(?P<id>\d+))(?P<rest>/.*)?")
_BY_PATH = (
    (re.compile(r""), _REPOSITORY),
    (re.compile(r"/commits/.+"), f"{_REPOSITORY}/commits/{{ref}}"),
    (re.compile(r"/git/commits/.+"), f"{_REPOSITORY}/git/commits/{{commit_sha}}"),
    (re.compile(r"/git/trees/.+"), f"{_REPOSITORY}/git/trees/{{tree_sha}}"),
    (re.compile(r"/git/blobs/.+"), f"{_REPOSITORY}/git/blobs/{{file_sha}}"),
)
ENDPOINTS = tuple(endpoint for _, endpoint in _BY_PATH)
"""What it answers JSON at, as the official description spells it."""
_HELP = "https://docs.github.com/rest"


class _Answered(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.document = {"message": message, "documentation_url": _HELP, "status": str(status), **more}


class GitHubHandler(Handler):
    """Answers as the API, as codeload, or hands git's requests on."""

    mangle: Mangle | None = None
    endpoint = ""

    @property
    def hub(self) -> GitHub:
        return self.server.hub  # type: ignore[attr-defined]

    def do_GET(self) -> None:  # noqa: N802 - the name is the base class's
        with self.hub.busy():
            self._serve()

    def _serve(self) -> None:
        kind = self._kind()
        path = self.path.removeprefix(API) if kind == "api" else self.path
        self._log(kind, path)
        self.mangle, self.endpoint, self.asked = None, "", b""
        if kind == "graphql":
            self.asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.hub.queries.append(self.asked.decode())
        fault = self.hub.fault_for(path + self.asked.decode())
        if fault and fault(self):
            return
        if kind == "git":
            super().do_GET()
        elif kind == "graphql":
            self._graphql()
        elif kind == "codeload":
            self._codeload()
        else:
            self._api(path)

    do_POST = do_GET  # noqa: N815 - the name is the base class's

    def _kind(self) -> str:
        if self.server.kind == "codeload":  # type: ignore[attr-defined]
            return "codeload"
        if self.path == github_graphql.PATH:
            return "graphql"
        return "api" if self.path.startswith(API + "/") else "git"

    def _log(self, kind: str, path: str) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.log(kind, self.command, path, headers)

    def answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        if self.mangle:
            self.mangle(self, code, body, headers)
        else:
            self.send_plainly(code, body, headers)

    def send_plainly(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        super().answer(code, body, headers)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header, by the settable clock."""
        return formatdate(self.hub.clock() if timestamp is None else timestamp, usegmt=True)

    def _graphql(self) -> None:
        """Everything but a wrong token is a 200, limits included."""
        body = self.asked
        if not self.token or (self.hub.tokens and self.token not in self.hub.tokens):
            self._say(401, {"message": "Bad credentials", "documentation_url": _HELP})
        elif self.command != "POST":
            self._say(404, {"message": "Not Found", "documentation_url": _HELP})
        elif not self.hub.spend(self.token, github_graphql.cost_of(json.loads(body)["query"]), "graphql"):
            self._say(200, {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]})
        else:
            self._say(200, github_graphql.answer(self.hub, self.token, body))

    def _say(self, code: int, document: dict[str, Any]) -> None:
        if code != 200:
            self.hub.violations += violations("", code, document)
        headers = {"Content-Type": "application/json; charset=utf-8", **self.hub.quota_headers(self.token, "graphql")}
        body = json.dumps(document).encode()
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 200:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        self.answer(code, body, headers)

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _api(self, path: str) -> None:
        try:
            parts = urlsplit(path)
            found = _PATH.fullmatch(parts.path)
            rest = (found["rest"] or "") if found else ""
            self.endpoint = next((name for pattern, name in _BY_PATH if found and pattern.fullmatch(rest)), "")
            self._check_request()
            if not found:
                raise _Answered(404, "Not Found")
            self._route(self._repository(found["name"], found["id"], rest), unquote(rest), parse_qs(parts.query))
        except _Answered as answered:
            headers = {}
            if answered.status == 301:
                headers["Location"] = answered.document["url"]
            self.reply(answered.status, answered.document, headers)

    def _check_request(self) -> None:
        if not self.headers.get("User-Agent"):
            raise _Answered(403, "Request forbidden by administrative rules.")
        if self.headers.get("X-GitHub-Api-Version") not in VERSIONS:
            raise _Answered(400, "The API version is not supported.")
        if self.token and self.hub.tokens and self.token not in self.hub.tokens:
            raise _Answered(401, "Bad credentials")
        if not self.hub.spend(self.token, 0 if self._is_free() else 1):
            raise _Answered(403, "API rate limit exceeded for user ID 1.")

    def _is_free(self) -> bool:
        """An answer that may be a 304 is paid for when it turns out to be none."""
        return bool(self.token and self.headers.get("If-None-Match"))

    def _repository(self, name: str | None, number: str | None, rest: str) -> RepositoryState:
        if name is None:
            state = self.hub.by_id(int(number or 0))
        else:
            state = self.hub.repository(name)
            moved = self.hub.moved(name)
            if state is None and moved is not None:
                raise _Answered(301, "Moved Permanently", url=f"{self.hub.api_url}/repositories/{moved}{rest}")
        hidden = state is not None and state.readers is not None and self.token not in state.readers
        if state is None or hidden or (state.private and not self.token):
            raise _Answered(404, "Not Found")
        if state.blocked:
            block = {"reason": state.blocked, "created_at": "2023-01-01T00:00:00Z", "html_url": _HELP}
            raise _Answered(451, "Repository access blocked", block=block)
        return state

    def _route(self, state: RepositoryState, rest: str, query: dict[str, list[str]]) -> None:
        url = f"{self.hub.api_url}/repos/{state.full_name}"
        if not rest:
            facts = {"private": state.private, **state.facts}
            facts.pop("latest_release", None)  # which takes a request of its own
            self.reply(200, objects.repository_document(state.id, state.full_name, state.path, url, **facts))
            return
        if objects.is_empty(state.path):
            raise _Answered(409, "Git Repository is empty.")
        kind, _, name = rest.removeprefix("/git").strip("/").partition("/")
        handlers = {"commits": self._git_commit, "trees": self._tree, "blobs": self._blob, "tarball": self._tarball}
        handler = self._commit if rest.startswith("/commits/") else handlers.get(kind)
        if handler is None:
            raise _Answered(404, "Not Found")
        handler(state, name, url, query)

    def _commit(self, state: RepositoryState, ref: str, url: str, query: dict[str, list[str]]) -> None:
        oid = objects.commit_of(state.path, ref)
        if oid is None:
            raise _Answered(422, f"No commit found for SHA: {ref}")
        assert self.headers["Accept"] == "application/vnd.github.sha", "the fake has only this form"
        if self.headers.get("If-None-Match") == f'"{oid}"':
            self.send_answer(304, b"", {"ETag": f'"{oid}"'})
            return
        if self._is_free():
            self.hub.spend(self.token, 1)
        self.send_answer(200, oid.encode(), {"ETag": f'"{oid}"', "Content-Type": "application/vnd.github.sha"})

    def _git_commit(self, state: RepositoryState, oid: str, url: str, query: dict[str, list[str]]) -> None:
        document = objects.commit_document(state.path, oid, url)
        if document is None:
            raise _Answered(404, "Not Found")
        self.reply(200, document)

    def _tree(self, state: RepositoryState, oid: str, url: str, query: dict[str, list[str]]) -> None:
        recursive = "recursive" in query
        limit = self.hub.truncate_at
        document = objects.tree_document(state.path, oid, url, recursive=recursive, limit=limit)
        if document is None:
            raise _Answered(404, "Not Found")
        self.reply(200, document)

    def _blob(self, state: RepositoryState, oid: str, url: str, query: dict[str, list[str]]) -> None:
        found = objects.read_object(state.path, oid)
        if found is None or found[0] != "blob":
            raise _Answered(404, "Not Found")
        if "raw" in self.headers.get("Accept", ""):
            kind = {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
            self.send_answer(200, found[1], kind)
        else:
            self.reply(200, objects.blob_document(oid, found[1], url))

    def _tarball(self, state: RepositoryState, ref: str, url: str, query: dict[str, list[str]]) -> None:
        location = f"{self.hub.codeload_host}/{state.full_name}/legacy.tar.gz/{ref}?token=private-link"
        self.send_answer(302, b"", {"Location": location})

    def _codeload(self) -> None:
        name, _, ref = urlsplit(self.path).path.strip("/").partition("/legacy.tar.gz/")
        state = self.hub.repository(name)
        packed = objects.archive(state.path, ref, f"{name.replace('/', '-')}-{ref[:7]}") if state else None
        if packed is None:
            self.answer(404, b"404: Not Found", {})
        else:
            self.answer(200, packed, {"Content-Type": "application/x-gzip"})

    def reply(self, code: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        """Answer with JSON, which has to be what the official description promises."""
        self.hub.violations += violations(self.endpoint, code, document)
        kind = {"Content-Type": "application/json; charset=utf-8"}
        self.send_answer(code, json.dumps(document).encode(), {**kind, **(headers or {})})

    def send_answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        headers |= self.hub.quota_headers(self.token)
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 200:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        self.answer(code, body, headers)
