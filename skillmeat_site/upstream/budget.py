"""What is left of a host's limits: asked before each request, told after it. ``core`` keeps the rows behind it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from skillmeat_site.upstream.errors import UpstreamRateLimited
from skillmeat_site.upstream.quota import Quota


class Resource(StrEnum):
    """What a host counts apart. SECONDARY: its limits on pace, which hold for CORE and GRAPHQL together."""

    CORE = "core"
    GRAPHQL = "graphql"
    GIT = "git"
    SECONDARY = "secondary"


class Budget(Protocol):
    """The ledger of one token at one host. Every call is cheap, and none of them talks to the network."""

    def check(self, resource: Resource) -> None:
        """Let a request pass.

        Raises UpstreamRateLimited where it would be refused, or would eat what is kept for others.
        """

    def told(self, quota: Quota) -> None:
        """Keep what the headers of an answer say that was no refusal."""

    def limited(self, resource: Resource, error: UpstreamRateLimited) -> None:
        """Keep that the host refuses, and until when."""


class NoBudget:
    """For callers that keep no ledger: everything passes."""

    def check(self, resource: Resource) -> None:
        """Let it pass."""

    def told(self, quota: Quota) -> None:
        """Forget it."""

    def limited(self, resource: Resource, error: UpstreamRateLimited) -> None:
        """Forget it."""


NO_BUDGET = NoBudget()
