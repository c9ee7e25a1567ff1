"""What the git provider needs to know from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import RepositoryAddress

Credentials = Callable[[RepositoryAddress], str | None]
"""Gives the token for the host of an address, or None. Asked again for the target of every redirect."""

MEGABYTE = 1024 * 1024


Refused = Callable[[str], None]
"""Told of a token that a host says it does not know (401)."""


def no_credentials(address: RepositoryAddress) -> str | None:
    """Anonymous reading everywhere."""
    return None


def ignore_refused(token: str) -> None:
    """For callers that keep no account of tokens."""


@dataclass(frozen=True, slots=True)
class GitSettings:
    """Settings of the git provider. Times are in seconds for a whole operation, sizes in bytes.

    ``mirrors``: the folder of the mirrors, on a local disk. ``max_fetch_bytes`` bounds what one operation may
    download, ``max_read_bytes`` what one ``read`` may hold in memory, ``mirrors_max_bytes`` what all mirrors may hold
    together after a sweep. Sweeps are at least ``sweep_seconds`` apart. ``on_refused`` is called with a token that
    GitHub refuses; other hosts also answer so where a good token does not reach a repository.
    """

    mirrors: Path
    policy: AccessPolicy = field(default_factory=AccessPolicy)
    credentials: Credentials = no_credentials
    timeout: float = 60
    fetch_timeout: float = 300
    git: str = "git"
    max_entries: int = 500_000
    max_listing_bytes: int = 64 * MEGABYTE
    max_fetch_bytes: int = 512 * MEGABYTE
    max_read_bytes: int = 256 * MEGABYTE
    mirrors_max_bytes: int = 10 * 1024 * MEGABYTE
    sweep_seconds: float = 60
    on_refused: Refused = ignore_refused
