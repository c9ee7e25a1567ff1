"""GitHub's own description of its answers, to keep our fake of it honest."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

SLICE = Path(__file__).with_name("github_openapi.json")
"""Made by ``tests.peers.slice_description``."""
_URI = "urn:github"


@cache
def _description() -> dict[str, Any]:
    return json.loads(SLICE.read_text())


@cache
def _validator(pointer: str) -> Any:
    registry = Registry().with_resource(_URI, Resource(_description(), DRAFT4))
    return OAS30Validator({"$ref": f"{_URI}#{pointer}"}, registry=registry)


def _promised(endpoint: str, status: int) -> str:
    """Where the description tells of this answer. Of many errors it does not: those are as all errors are."""
    if str(status) in _description()["responses"].get(endpoint, ()):
        return "/".join(["/responses", endpoint.replace("~", "~0").replace("/", "~1"), str(status)])
    assert status >= 300, f"the description does not tell of {endpoint} {status}"
    return "/components/schemas/basic-error"


def violations(endpoint: str, status: int, document: object) -> list[str]:
    """Return what the official description objects to in an answer; ``endpoint`` is empty for none of its paths."""
    if isinstance(document, dict) and isinstance(document.get("tree"), list):
        # One entry is made like the other, and a hundred thousand of them would take minutes.
        document = {**document, "tree": document["tree"][:200]}
    found = _validator(_promised(endpoint, status)).iter_errors(document)
    return [f"{endpoint} {status}: {error.json_path}: {error.message}" for error in found]
