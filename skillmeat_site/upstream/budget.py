"""What is left of a host's limits: asked before each request, told after it. ``core`` keeps the rows behind it.

And how many may ask at once: an operation takes one of few slots, and gives it back when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Protocol

from skillmeat_site.upstream.errors import UpstreamRateLimited, UpstreamUnreachable
from skillmeat_site.upstream.quota import Quota
from skillmeat_site.upstream.types import Tick


class Resource(StrEnum):
    """What a host counts apart. SECONDARY: its limits on pace, which hold for CORE and GRAPHQL together."""

    CORE = "core"
    GRAPHQL = "graphql"
    GIT = "git"
    SECONDARY = "secondary"


class Slot:
    """A place among the few that may talk to a host at once, for one operation. This one is as good as none."""

    def keep(self) -> None:
        """Keep it. To be called every few seconds, or it falls to others."""

    def count(self) -> None:
        """One more request was made in it: whoever has it next may have to wait a moment."""


class Budget(Protocol):
    """The ledger of one token at one host. Every call is cheap, and none of them talks to the network."""

    def slot(self, tick: Tick) -> AbstractContextManager[Slot]:
        """Take a slot, waiting for one with ``tick``.

        Raises UpstreamRateLimited where none becomes free for long, and what the tick raises.
        """

    def check(self, resource: Resource) -> None:
        """Let a request pass.

        Raises UpstreamRateLimited where it would be refused, or would eat what is kept for others;
        UpstreamUnreachable where nobody waits for it, and the host could not be reached a moment ago.
        """

    def unreachable(self, resource: Resource, error: UpstreamUnreachable) -> None:
        """Keep that no connection could be made at all."""

    def reached(self, resource: Resource) -> None:
        """Keep that the host answered, whatever it was."""

    def told(self, quota: Quota) -> None:
        """Keep what the headers of an answer say that was no refusal."""

    def limited(self, resource: Resource, error: UpstreamRateLimited) -> UpstreamRateLimited:
        """Keep that the host refuses, and return the error with the wait that is kept: longer maybe than was asked."""


class NoBudget:
    """For callers that keep no ledger: everything passes."""

    @contextmanager
    def slot(self, tick: Tick) -> Iterator[Slot]:
        """There are enough."""
        yield Slot()

    def unreachable(self, resource: Resource, error: UpstreamUnreachable) -> None:
        """Forget it."""

    def reached(self, resource: Resource) -> None:
        """Forget it."""

    def check(self, resource: Resource) -> None:
        """Let it pass."""

    def told(self, quota: Quota) -> None:
        """Forget it."""

    def limited(self, resource: Resource, error: UpstreamRateLimited) -> UpstreamRateLimited:
        """Forget it."""
        return error


NO_BUDGET = NoBudget()
