"""What a service tells while it works. A service takes a Report and does not know whether a job stands behind it."""

from __future__ import annotations

import time
from typing import Protocol

from skillmeat_site.core.leases import Lease
from skillmeat_site.upstream.errors import UpstreamTimeout

PAGE_SECONDS = 25.0
"""What a person waits for, and as long as a page may hold a server's thread."""


class Report(Protocol):
    def tick(self) -> None:
        """Call often while waiting: keeps leases alive. Raises Cancelled, JobTimeout or LeaseLost to stop the work."""

    def progress(self, done: int, total: int, label: str = "") -> None:
        """Tell how far the work is. Cheap: written at most once a second."""

    def keep(self, lease: Lease) -> None:
        """Renew this lease from now on with each tick that is due."""

    def drop(self, lease: Lease) -> None:
        """No longer renew it."""


class SilentReport:
    """For callers without a job: a dry run, a test. Leases are renewed all the same."""

    def __init__(self) -> None:
        self._leases: list[Lease] = []

    def tick(self) -> None:
        for lease in self._leases:
            lease.renew_if_due()

    def progress(self, done: int, total: int, label: str = "") -> None:
        self.tick()

    def keep(self, lease: Lease) -> None:
        self._leases.append(lease)

    def drop(self, lease: Lease) -> None:
        self._leases.remove(lease)


class PageReport(SilentReport):
    """For a page that asks a repository: gives up after PAGE_SECONDS, where a job would go on for minutes."""

    def __init__(self) -> None:
        super().__init__()
        self._end = time.monotonic() + PAGE_SECONDS

    def tick(self) -> None:
        super().tick()
        if time.monotonic() > self._end:
            raise UpstreamTimeout("this page took too long; a scan or a refresh by a worker has more time")
