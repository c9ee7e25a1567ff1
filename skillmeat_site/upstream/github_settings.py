"""What the GitHub provider needs to know from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from skillmeat_site.upstream.budget import NO_BUDGET, Budget
from skillmeat_site.upstream.git_settings import MEGABYTE, Credentials, Refused, ignore_refused, no_credentials
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import Provider


def no_budget(token: str) -> Budget:
    """For callers that keep no ledger."""
    return NO_BUDGET


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """Settings of the GitHub provider. Times are in seconds, sizes in bytes; ``*_timeout`` are for whole operations.

    ``api_url``: the REST base (``https://api.github.com``, or ``https://HOST/api/v3``); empty turns the API off.
    ``download_hosts``: where archives may be fetched from besides the API's own origin and the policy's hosts, in the
    policy's spelling; never with the token. ``fallback``: who lists what the API cannot list whole, and who reads
    batches of more than ``max_single_blobs`` (``prefer_archive``: the archive is tried instead).
    ``attempts`` counts the first one; ``retry_seconds`` doubles with each. Below ``slowest`` bytes a second for
    ``slow_seconds`` a transfer is given up. ``max_missing_blobs``: blobs that may be asked for one by one where the
    archive lacks them. ``budgets`` gives the ledger of a token (empty: anonymous); ``on_refused`` is called with a
    token that is refused. ``graphql_url``: where batches are asked; empty turns them off.
    """

    api_url: str = "https://api.github.com"
    graphql_url: str = ""
    policy: AccessPolicy = field(default_factory=AccessPolicy)
    credentials: Credentials = no_credentials
    fallback: Provider | None = None
    prefer_archive: bool = False
    download_hosts: tuple[str, ...] = ("codeload.github.com",)
    user_agent: str = "skillmeat-django"
    api_version: str = "2022-11-28"
    timeout: float = 60
    fetch_timeout: float = 300
    connect_timeout: float = 10
    slowest: float = 1000
    slow_seconds: float = 20
    attempts: int = 3
    retry_seconds: float = 0.5
    max_tree_bytes: int = 64 * MEGABYTE
    max_entries: int = 500_000
    max_walk_calls: int = 40
    max_walk_depth: int = 8
    max_single_blobs: int = 2
    max_missing_blobs: int = 20
    max_read_bytes: int = 256 * MEGABYTE
    max_archive_bytes: int = 256 * MEGABYTE
    max_archive_unpacked: int = 2048 * MEGABYTE
    budgets: Callable[[str], Budget] = no_budget
    on_refused: Refused = ignore_refused
