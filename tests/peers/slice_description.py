"""Writes ``tests/fakes/github_openapi.json`` anew: what GitHub's own description says of the answers our fake gives.

The description is 13 MB in a package of 385 MB, so that nobody installs it; of the package one file is needed::

    npm pack @octokit/openapi@VERSION
    tar -xzf octokit-openapi-VERSION.tgz package/generated/api.github.com.json
    python -m tests.peers.slice_description package/generated/api.github.com.json VERSION
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fakes.github_handler import ENDPOINTS
from tests.fakes.github_openapi import SLICE

_PROSE = frozenset({"title", "description", "example", "examples", "deprecated", "externalDocs", "x-github"})
_NAMED = frozenset({"properties", "patternProperties", "schemas"})
"""What holds names of things, so that ``description`` below it is one of them and no prose."""
_JSON = "application/json"
_REF = "#/components/schemas/"


def sliced(description: dict[str, Any], info: dict[str, str]) -> dict[str, Any]:
    """Keep the JSON answers to a GET of the endpoints that the fake has, and the schemas these refer to."""
    responses = {path: dict(_answers(description, path)) for path in ENDPOINTS}
    schemas: dict[str, Any] = {}
    todo = [*_references(responses), "basic-error"]
    while todo:
        name = todo.pop()
        if name not in schemas:
            schemas[name] = _plain(description["components"]["schemas"][name])
            todo += _references(schemas[name])
    return {"info": info, "responses": responses, "components": {"schemas": dict(sorted(schemas.items()))}}


def _answers(description: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for status, answer in description["paths"][path]["get"]["responses"].items():
        if "$ref" in answer:
            answer = description["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        if _JSON in answer.get("content", {}):
            yield status, _plain(answer["content"][_JSON]["schema"])


def _plain(value: Any, *, named: bool = False) -> Any:
    """A schema without what is prose in it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: inner for key, inner in value.items() if named or key not in _PROSE}
    return {key: _plain(inner, named=not named and key in _NAMED) for key, inner in kept.items()}


def _references(value: Any) -> list[str]:
    return re.findall(rf'"\$ref": "{_REF}([^"]+)"', json.dumps(value))


if __name__ == "__main__":
    source, version = sys.argv[1:]
    before = json.loads(SLICE.read_text())["info"]
    info = before | {"source": re.sub(r"(?<=@octokit/openapi )[0-9.]+", version, before["source"])}
    document = sliced(json.loads(Path(source).read_text()), info)
    SLICE.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n")
