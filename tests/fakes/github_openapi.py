"""GitHub's own description of its answers, to keep our fake of it honest."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

_FILE = Path(__file__).with_name("github_openapi.json")
_URI = "urn:github"


@cache
def _description() -> dict[str, Any]:
    return json.loads(_FILE.read_text())


@cache
def _validator(endpoint: str, status: str) -> Any:
    registry = Registry().with_resource(_URI, Resource(_description(), DRAFT4))
    pointer = endpoint.replace("~", "~0").replace("/", "~1")
    return OAS30Validator({"$ref": f"{_URI}#/responses/{pointer}/{status}"}, registry=registry)


def violations(endpoint: str, status: int, document: object) -> list[str]:
    """Return what the official description objects to in an answer. It says nothing about statuses it leaves out."""
    if str(status) not in _description()["responses"][endpoint]:
        return []
    if isinstance(document, dict) and isinstance(document.get("tree"), list):
        # One entry is made like the other, and a hundred thousand of them would take minutes.
        document = {**document, "tree": document["tree"][:200]}
    found = _validator(endpoint, str(status)).iter_errors(document)
    return [f"{endpoint} {status}: {error.json_path}: {error.message}" for error in found]
