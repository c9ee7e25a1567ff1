"""What GitHub sends by itself: who signed it, and what it says. Pure, and total: a hostile body is nothing to act on.

Only names, ids and flags are read. What a push changed is not: its list of commits is cut off, and a scan asks anyway.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from skillmeat_site.upstream.github_bodies import FULL_NAME

SIGNATURE_PREFIX = "sha256="
MAX_ID = 2**63 - 1
"""What a database holds."""
MAX_REF = 255
_DELIVERY = re.compile(r"[\x21-\x7e]{1,100}")
_NAME = re.compile(r"(?!\.\.?$)[A-Za-z0-9_.-]{1,100}")
_OID = re.compile(r"[0-9a-f]{40}")


def is_signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Tell whether the body, byte for byte, was signed with one of the secrets. Constant time; without one, never.

    ``signature`` is the header ``X-Hub-Signature-256``; the older one by SHA-1 is not taken.
    """
    given = signature.encode("utf-8", "replace")
    made = (SIGNATURE_PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets)
    # Every secret is tried, so that the time tells nothing about which one it was.
    return sum(hmac.compare_digest(one.encode(), given) for one in made) > 0


def delivery_id(header: str, body: bytes) -> str:
    """What a delivery is known by: its ``X-GitHub-Delivery``, or its content where that is missing or no id."""
    return header if _DELIVERY.fullmatch(header) else f"sha256:{hashlib.sha256(body).hexdigest()}"


class NoJson(ValueError):
    """The body is no JSON object."""


def read_body(body: bytes) -> Mapping[str, Any]:
    """Raises NoJson, also for what is nested deeper, or has longer numbers, than Python reads."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoJson("The body is not JSON.") from error
    if not isinstance(document, dict):
        raise NoJson("The body is no JSON object.")
    return document


class Happened(StrEnum):
    """What a repository's event tells. Everything else is nothing to us."""

    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"
    RENAMED = "renamed"
    TRANSFERRED = "transferred"
    DELETED = "deleted"
    PUBLICIZED = "publicized"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Named:
    """The repository of a delivery. ``id`` None: it names none that can be."""

    id: int | None
    full_name: str
    default_branch: str = ""


@dataclass(frozen=True, slots=True)
class Push:
    """``ref`` was pushed to, and is still there."""

    repository: Named
    ref: str


@dataclass(frozen=True, slots=True)
class RepositoryEvent:
    """``was``: the name that the repository had before; empty where that is not told. ``new_default``: has another
    default branch now."""

    repository: Named
    happened: Happened
    was: str = ""
    new_default: bool = False


def read_push(document: Mapping[str, Any]) -> Push | None:
    """What was pushed; None for a ref that was deleted, and for what is no push."""
    repository, ref = _repository(document), document.get("ref")
    if repository is None or document.get("deleted") is True or not _is_ref(ref):
        return None
    after = document.get("after")
    if isinstance(after, str) and _OID.fullmatch(after) and not after.strip("0"):
        return None
    return Push(repository, str(ref))


def read_repository_event(document: Mapping[str, Any]) -> RepositoryEvent | None:
    """What happened to a repository; None for what does not concern us."""
    repository, action = _repository(document), document.get("action")
    if repository is None or not isinstance(action, str) or action not in set(Happened):
        return None
    changes = _mapping(document.get("changes"))
    return RepositoryEvent(
        repository,
        Happened(action),
        was=_former_name(repository, changes),
        new_default=bool(_mapping(changes.get("default_branch"))),
    )


def is_tracked(pushed: str, tracked: str, default_branch: str) -> bool:
    """Tell whether a source that reads ``tracked`` (empty: the default branch) has to look after this push."""
    if not tracked:
        return bool(default_branch) and pushed == f"refs/heads/{default_branch}"
    return pushed in (tracked, f"refs/heads/{tracked}", f"refs/tags/{tracked}", f"refs/{tracked}")


def _former_name(repository: Named, changes: Mapping[str, Any]) -> str:
    """``owner/name`` before a rename or a transfer."""
    owner, _, name = repository.full_name.partition("/")
    old_name = _mapping(_mapping(changes.get("repository")).get("name")).get("from")
    old_owner = _mapping(_mapping(changes.get("owner")).get("from"))
    account = _mapping(old_owner.get("user") or old_owner.get("organization")).get("login")
    was = f"{_name(account) or owner}/{_name(old_name) or name}"
    return "" if was == repository.full_name else was


def _repository(document: Mapping[str, Any]) -> Named | None:
    told = _mapping(document.get("repository"))
    full_name, number, branch = told.get("full_name"), told.get("id"), told.get("default_branch")
    if not isinstance(full_name, str) or len(full_name) > MAX_REF or not re.fullmatch(FULL_NAME, full_name):
        return None
    known = type(number) is int and 0 < number <= MAX_ID
    return Named(number if known else None, full_name, str(branch) if _is_ref(branch) else "")


def _is_ref(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_REF and value.isprintable()


def _name(value: object) -> str:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
