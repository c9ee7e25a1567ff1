"""The loopback GitHub's GraphQL: graphql-core over the published schema and the real repositories.

Queries are validated before they run, as GitHub does; nothing here knows which queries our client sends.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, build_schema, default_type_resolver, graphql_sync, parse, validate

from tests.fakes import github_objects as objects

if TYPE_CHECKING:
    from tests.fakes.github import GitHub, RepositoryState

PATH = "/api/graphql"
SCHEMA = Path(__file__).with_name("github_schema.graphql")
_CONNECTION = re.compile(r"\brepositoryTopics\b")


@cache
def schema() -> Any:
    return build_schema(SCHEMA.read_text())


def problems(text: str) -> list[str]:
    """What the published schema objects to in a query."""
    return [error.message for error in validate(schema(), parse(text))]


def cost_of(text: str) -> int:
    """Points, by GitHub's rule: connections asked for, by a hundred, rounded, at least one."""
    repositories = len(re.findall(r"\brepository\(", text))
    return max(1, round(repositories * len(_CONNECTION.findall(text)) / 100))


def answer(hub: GitHub, token: str, body: bytes) -> dict[str, Any]:
    """Run one query: GitHub's answer, which is a 200 whatever it says."""
    request = json.loads(body)
    root = _Root(hub, token, cost_of(request["query"]))
    done = graphql_sync(
        schema(), request["query"], root, variable_values=request.get("variables"), type_resolver=_type_of
    )
    document: dict[str, Any] = {"data": done.data}
    if done.errors:
        document["errors"] = [_error(error) for error in done.errors]
    return document


def _error(error: Any) -> dict[str, Any]:
    extensions = dict(error.extensions or {})
    told = {"message": error.message, **({"path": list(error.path)} if error.path else {})}
    return {"type": extensions["type"], **told} if "type" in extensions else told


def _type_of(value: Any, info: Any, abstract: Any) -> Any:
    return value["__typename"] if isinstance(value, dict) else default_type_resolver(value, info, abstract)


class _Root:
    """What a query starts from."""

    def __init__(self, hub: GitHub, token: str, cost: int) -> None:
        self.hub, self.token, self.cost = hub, token, cost

    def repository(self, info: Any, owner: str, name: str, followRenames: bool = True) -> Any:  # noqa: N803
        full_name = f"{owner}/{name}"
        state = self.hub.repository(full_name)
        if state is None and followRenames:
            state = self.hub.by_id(self.hub.moved(full_name) or 0)
        if state is None:
            message = f"Could not resolve to a Repository with the name '{full_name}'."
            raise GraphQLError(message, extensions={"type": "NOT_FOUND"})
        if state.forbidden:
            raise GraphQLError("Resource not accessible by personal access token", extensions={"type": "FORBIDDEN"})
        return _Repository(state)

    def rateLimit(self, info: Any, dryRun: bool = False) -> Any:  # noqa: N802, N803 - the schema's names
        limit, used = self.hub.limit_of(self.token), self.hub.used.get(self.hub.purse(self.token, "graphql"), 0)
        told = {"cost": self.cost, "limit": limit, "remaining": limit - used, "used": used, "nodeCount": 1}
        return {**told, "resetAt": "2030-01-01T00:00:00Z"}


class _Repository:
    """A repository, each field when it is asked for."""

    def __init__(self, state: RepositoryState) -> None:
        self._state, self._path = state, state.path
        self.databaseId, self.nameWithOwner = state.id, state.full_name
        self.isArchived, self.isDisabled = state.facts["archived"], state.facts["disabled"]
        self.description = state.facts["description"]

    def isEmpty(self, info: Any) -> bool:  # noqa: N802
        return objects.has_no_branch(self._path)

    def licenseInfo(self, info: Any) -> Any:  # noqa: N802
        license_ = self._state.facts.get("license")
        return {"spdxId": license_["spdx_id"]} if license_ else None

    def latestRelease(self, info: Any) -> Any:  # noqa: N802
        tag = self._state.facts.get("latest_release")
        return {"tagName": tag} if tag else None

    def repositoryTopics(self, info: Any, first: int | None = None, **more: Any) -> Any:  # noqa: N802
        if first is None or not 1 <= first <= 100:
            raise GraphQLError(
                "You must provide a `first` value of 1 to 100", extensions={"type": "MISSING_PAGINATION"}
            )
        return {"nodes": [{"topic": {"name": name}} for name in self._state.facts.get("topics", [])[:first]]}

    def defaultBranchRef(self, info: Any) -> Any:  # noqa: N802
        head = (self._path / "HEAD").read_text().strip().removeprefix("ref: ")
        return self.ref(info, head)

    def ref(self, info: Any, qualifiedName: str) -> Any:  # noqa: N803
        oid = objects.ref_target(self._path, qualifiedName)
        if oid is None:
            return None
        prefix = re.match(r"refs/(heads|tags)/", qualifiedName)
        assert prefix is not None, "the fake knows branches and tags only"
        name = qualifiedName.removeprefix(prefix[0])
        return {"name": name, "prefix": prefix[0], "target": objects.graphql_object(self._path, oid)}
