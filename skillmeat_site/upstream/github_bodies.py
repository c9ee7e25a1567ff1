"""Reading the bodies of GitHub's answers. Each function raises UpstreamInvalid where the shape is not the promised."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from skillmeat_site.upstream.errors import UpstreamInvalid
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import RepositoryFacts

FULL_NAME = r"(?!\.\.?/)[A-Za-z0-9_.-]+/(?!\.\.?(?:/|$))[A-Za-z0-9_.-]+"
"""Pattern of ``owner/name``; neither is ``.`` or ``..``, which would climb where the name is put into a path."""
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_NO_LICENSE = ("NOASSERTION", "NONE")


def json_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UpstreamInvalid("the answer is not valid JSON") from error
    if not isinstance(document, dict):
        raise UpstreamInvalid("the answer has another shape than promised")
    return document


def sha_line(body: bytes) -> str:
    """Read an answer that is a commit's id and nothing else."""
    return _oid(body.decode("ascii", "replace").strip())


def commit_tree(body: bytes, commit: str) -> str:
    """Return the id of the tree of ``commit``."""
    document = json_object(body)
    tree = document.get("tree")
    if document.get("sha") != commit or not isinstance(tree, dict):
        raise UpstreamInvalid("the answer is another commit, or none")
    return _oid(tree.get("sha"))


def blob_content(body: bytes) -> bytes:
    """Return the content of a blob that is written as base64."""
    document = json_object(body)
    content = document.get("content")
    if document.get("encoding") != "base64" or not isinstance(content, str):
        raise UpstreamInvalid("the content is written in a way that is not known")
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError) as error:
        raise UpstreamInvalid("the content is no base64") from error


def facts_of(document: Mapping[str, Any]) -> RepositoryFacts:
    """Read the repository object. Only its id and its name have to be there."""
    number, full_name = document.get("id"), document.get("full_name")
    if type(number) is not int or not isinstance(full_name, str) or not re.fullmatch(FULL_NAME, full_name):
        raise UpstreamInvalid("the answer names no repository")
    topics = document.get("topics")
    return RepositoryFacts(
        id=number,
        full_name=full_name,
        description=storable(document.get("description")),
        license=_license(document.get("license")),
        archived=document.get("archived") is True,
        disabled=document.get("disabled") is True,
        topics=tuple(filter(None, map(storable, topics))) if isinstance(topics, list) else (),
        default_branch=storable(document.get("default_branch")),
    )


def _license(value: object) -> str:
    spdx = storable(value.get("spdx_id")) if isinstance(value, dict) else ""
    return "" if spdx in _NO_LICENSE else spdx


def storable(value: object) -> str:
    """Return a text that a database takes; the empty one for anything else."""
    return _UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else ""


def _oid(value: object) -> str:
    if not isinstance(value, str) or not is_oid(value):
        raise UpstreamInvalid("the answer names no commit or tree")
    return value
