"""A provider whose host limits it without saying how much is left: only its refusals and absences are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from skillmeat_site.upstream.budget import Budget, Resource
from skillmeat_site.upstream.errors import UpstreamRateLimited, UpstreamUnreachable
from skillmeat_site.upstream.types import Blobs, Head, Listing, Provider, RepositoryAddress, Tick, no_tick

_Result = TypeVar("_Result")


class BudgetedProvider:
    """Another provider, which is not asked while the host has said to wait, nor by more than few at once.

    ``obliged`` False: what the host has said is kept for others, and not gone by. Raises what the provider does, and
    what ``Budget.slot`` and ``Budget.check`` raise.
    """

    def __init__(self, provider: Provider, budget: Budget, resource: Resource, *, obliged: bool = True) -> None:
        self.provider = provider
        self._budget, self._resource, self._obliged = budget, resource, obliged

    def resolve(self, address: RepositoryAddress, *, known: str = "", tick: Tick = no_tick) -> Head:
        """Tell the current commit; UpstreamRateLimited where it is not the time to ask."""
        return self._within(tick, lambda beat: self.provider.resolve(address, known=known, tick=beat))

    def listing(self, address: RepositoryAddress, head: Head, *, tick: Tick = no_tick) -> Listing:
        """List the commit of ``head``; UpstreamRateLimited where it is not the time to ask."""
        return self._within(tick, lambda beat: self.provider.listing(address, head, tick=beat))

    def read(
        self, address: RepositoryAddress, head: Head, oids: Sequence[str], *, max_bytes: int, tick: Tick = no_tick
    ) -> Blobs:
        """Read blobs; UpstreamRateLimited where it is not the time to ask."""
        return self._within(tick, lambda beat: self.provider.read(address, head, oids, max_bytes=max_bytes, tick=beat))

    def _within(self, tick: Tick, action: Callable[[Tick], _Result]) -> _Result:
        with self._budget.slot(tick) as slot:
            self._check()  # not before: while it waited for its turn, the others may have been refused

            def beat() -> None:
                slot.keep()
                tick()

            try:
                result = action(beat)
            except UpstreamRateLimited as error:
                raise self._budget.limited(self._resource, error) from None
            except UpstreamUnreachable as error:
                self._budget.unreachable(self._resource, error)
                raise
        self._budget.reached(self._resource)
        return result

    def _check(self) -> None:
        try:
            self._budget.check(self._resource)
        except (UpstreamRateLimited, UpstreamUnreachable):
            if self._obliged:
                raise
