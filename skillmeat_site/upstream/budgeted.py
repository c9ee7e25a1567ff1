"""A provider whose host limits it without saying how much is left: only its refusals are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from skillmeat_site.upstream.budget import Budget, Resource
from skillmeat_site.upstream.errors import UpstreamRateLimited
from skillmeat_site.upstream.types import Blobs, Head, Listing, Provider, RepositoryAddress, Tick, no_tick

_Result = TypeVar("_Result")


class BudgetedProvider:
    """Another provider, which is not asked while the host has said to wait. Raises what that one does."""

    def __init__(self, provider: Provider, budget: Budget, resource: Resource) -> None:
        self.provider = provider
        self._budget, self._resource = budget, resource

    def resolve(self, address: RepositoryAddress, *, known: str = "", tick: Tick = no_tick) -> Head:
        """Tell the current commit; UpstreamRateLimited where it is not the time to ask."""
        return self._within(lambda: self.provider.resolve(address, known=known, tick=tick))

    def listing(self, address: RepositoryAddress, head: Head, *, tick: Tick = no_tick) -> Listing:
        """List the commit of ``head``; UpstreamRateLimited where it is not the time to ask."""
        return self._within(lambda: self.provider.listing(address, head, tick=tick))

    def read(
        self, address: RepositoryAddress, head: Head, oids: Sequence[str], *, max_bytes: int, tick: Tick = no_tick
    ) -> Blobs:
        """Read blobs; UpstreamRateLimited where it is not the time to ask."""
        return self._within(lambda: self.provider.read(address, head, oids, max_bytes=max_bytes, tick=tick))

    def _within(self, action: Callable[[], _Result]) -> _Result:
        self._budget.check(self._resource)
        try:
            return action()
        except UpstreamRateLimited as error:
            self._budget.limited(self._resource, error)
            raise
