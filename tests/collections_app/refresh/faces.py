"""One refresh, asked for by two faces: the same words, the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.collections_app.refresh.refreshing import SLUG
from tests.marketplace.commanding import manage

OK, FOUND = 0, 3


@dataclass(frozen=True)
class Answer:
    """``body``: the contract's shape. ``bad``: the face said that something failed; ``code`` names a refusal."""

    body: Mapping[str, Any]
    bad: bool
    code: str = ""


class Face(Protocol):
    def refresh(self, **said: Any) -> Answer: ...

    def index(self, slug: str = SLUG) -> Answer: ...

    def index_all(self) -> Answer: ...


class Rest:
    def __init__(self, client: Any) -> None:
        self._client = client

    def _post(self, path: str, body: dict[str, Any]) -> Answer:
        answer = self._client.post(f"/api/v1/user-collections/{path}", body, format="json")
        told = answer.json()
        problem = answer.status_code >= 400
        return Answer(told, problem, told["code"] if problem else "")

    def refresh(self, **said: Any) -> Answer:
        slug = said.pop("slug", SLUG)
        return self._post(f"{slug}/refresh", said)

    def index(self, slug: str = SLUG) -> Answer:
        return self._post(f"{slug}/refresh-cache", {})

    def index_all(self) -> Answer:
        return self._post("refresh-cache", {})


class Commanding:
    def _run(self, *words: str) -> Answer:
        said = manage(*words, "--json")
        if said.code == 2:
            return Answer({"detail": said.err}, True, "usage")
        (row,) = said.json["results"]
        failed = said.code not in (OK, FOUND)
        return Answer(row, failed, row.get("code") or "" if row.get("outcome") == "failed" else "")

    def refresh(self, **said: Any) -> Answer:
        words = [said.pop("slug", SLUG)]
        mode = said.pop("mode", None)
        words += {"check_only": ["--check-only"], "metadata_only": ["-m"], "sync": ["--sync"], None: []}.get(
            mode, [f"--{mode}"]
        )
        filters = said.pop("filters", {})
        words += [word for kind in filters.get("type", ()) for word in ("-t", kind)]
        words += ["-n", filters["name"]] if "name" in filters else []
        words += ["--fields", ",".join(said["fields"])] if "fields" in said else []
        words += ["--strategy", said["strategy"]] if "strategy" in said else []
        words += ["--dry-run"] if said.get("dry_run") else []
        return self._run("refresh_collection", *words)

    def index(self, slug: str = SLUG) -> Answer:
        return self._run("refresh_collection_cache", slug)

    def index_all(self) -> Answer:
        raise NotImplementedError("its document has a row for each collection: see the tests of the command")
