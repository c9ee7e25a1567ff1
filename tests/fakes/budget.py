"""A ledger that remembers what it was told, and lets everything pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from skillmeat_site.upstream.budget import Resource, Slot
from skillmeat_site.upstream.errors import UpstreamRateLimited, UpstreamUnreachable
from skillmeat_site.upstream.quota import Quota
from skillmeat_site.upstream.types import Tick


@dataclass
class Ledger:
    tokens: list[str] = field(default_factory=list)
    checks: list[Resource] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)
    limits: list[tuple[Resource, int | None]] = field(default_factory=list)
    offline: list[Resource] = field(default_factory=list)

    def of(self, token: str) -> Ledger:
        """As ``GitHubSettings.budgets``."""
        self.tokens.append(token)
        return self

    @contextmanager
    def slot(self, tick: Tick) -> Iterator[Slot]:
        yield Slot()

    def unreachable(self, resource: Resource, error: UpstreamUnreachable) -> None:
        self.offline.append(resource)

    def reached(self, resource: Resource) -> None:
        pass

    def check(self, resource: Resource) -> None:
        self.checks.append(resource)

    def told(self, quota: Quota) -> None:
        self.quotas.append(quota)

    def limited(self, resource: Resource, error: UpstreamRateLimited) -> UpstreamRateLimited:
        self.limits.append((resource, error.retry_after))
        return error
