"""How many requests are under way at once, by the server's count, whoever makes them."""

from __future__ import annotations

import pytest

from tests.marketplace.machines import answer_of

pytestmark = pytest.mark.slow

SCAN_ALL = """
from concurrent.futures import ThreadPoolExecutor
from marketplace.services.rescan import ScanOptions, rescan_source
from skillmeat_site.core.reporting import SilentReport

def one(pk):
    try:
        options = ScanOptions(force=True)
        found = rescan_source(pk, actor=COMMAND_LINE, options=options, report=SilentReport()).counters
        return found.new + found.unchanged
    finally:
        connection.close()

mine = ids()[int(os.environ["FROM"])::3]
with ThreadPoolExecutor(4) as pool:
    tell(found=sum(pool.map(one, mine)), sources=len(mine))
"""


@pytest.mark.parametrize(("allowed", "least"), [("4", 2), ("1", 1)])
def test_three_processes_of_four_threads_are_never_more_than_allowed(machine, allowed, least):
    hub = machine.hub
    machine.many(15)
    hub.requests.clear()
    hub.peak, hub.slowness = 0, 0.03
    rivals = [machine.start(SCAN_ALL, FROM=str(n), SKILLMEAT_UPSTREAM_CONCURRENCY=allowed) for n in range(3)]
    assert [answer_of(rival) for rival in rivals] == [{"found": 10, "sources": 5}] * 3
    assert least <= hub.peak <= int(allowed)
    assert len([path for path in hub.paths("api") if "/git/trees/" in path]) == 15


def test_without_slots_they_would_be_more(machine):
    """So that the test above can fail."""
    hub = machine.hub
    machine.many(15)
    hub.peak, hub.slowness = 0, 0.1
    rivals = [machine.start(SCAN_ALL, FROM=str(n), SKILLMEAT_UPSTREAM_CONCURRENCY="50") for n in range(3)]
    assert [answer_of(rival)["sources"] for rival in rivals] == [5] * 3
    assert hub.peak > 4
