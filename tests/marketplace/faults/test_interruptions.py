"""Two at once, storms, kills and locks; and deliveries that nobody should believe."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from marketplace.models import Source, WebhookDelivery
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import Job
from tests.conftest import skills
from tests.marketplace.faults.conftest import asked
from tests.marketplace.machines import answer_of
from tests.marketplace.scanning import scan
from tests.marketplace.test_webhooks import MAIN, SECRET, deliver, push, repository, taken

SCAN_ONE = """
from marketplace.services.rescan import ScanOptions, rescan_source
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import SilentReport
try:
    result = rescan_source(ids()[0], actor=COMMAND_LINE, options=ScanOptions(force=True), report=SilentReport())
    tell(outcome="scanned")
except DomainError as error:
    tell(outcome=error.code)
"""


@pytest.mark.fault(40)
@pytest.mark.slow
@pytest.mark.django_db
def test_of_two_workers_one_scans(machine):
    machine.many(1)
    machine.hub.requests.clear()
    machine.hub.slowness = 1
    rivals = [machine.start(SCAN_ONE) for _ in range(2)]
    assert sorted(answer_of(rival)["outcome"] for rival in rivals) == ["scanned", "source_busy"]
    assert len(asked(machine.hub, "/git/trees/")) == 1
    assert len(asked(machine.hub, "/commits/")) == 1


@pytest.fixture
def hooked(db, settings, source):
    settings.SKILLMEAT_WEBHOOK_SECRET = [SECRET]
    return source


@pytest.mark.fault(40)
def test_a_storm_of_a_hundred_asks_for_two_scans_at_most(upstream, hooked, tools, worker):
    told = push(repository=repository(id=None))
    for number in range(50):
        assert taken(deliver(told, delivery=f"before-{number}")) == ("queued", 1)

    def storm(handler):
        """In the middle of the first scan, by the server's own clock so to speak."""
        seen.append(1)
        return False

    seen = []
    upstream.on("/commits/", storm)
    worker()
    for number in range(50):
        taken(deliver(told, delivery=f"after-{number}"))
    worker()
    assert (len(seen), Job.objects.filter(kind="marketplace.rescan").count()) == (1, 2)
    assert len(asked(upstream, "/commits/")) == 2
    assert len(asked(upstream, "/git/trees/")) == 1
    assert WebhookDelivery.objects.count() == 100


def signed(secret=SECRET, body=b"", digest=hashlib.sha256):
    return f"{digest().name}=" + hmac.new(secret.encode(), body, digest).hexdigest()


BODY = json.dumps(push(repository=repository(id=None))).encode()
STRANGERS = [
    pytest.param({"X-Hub-Signature-256": ""}, id="none"),
    pytest.param({"X-Hub-Signature-256": signed("wrong", BODY)}, id="wrong"),
    pytest.param({"X-Hub-Signature-256": "", "X-Hub-Signature": signed(body=BODY, digest=hashlib.sha1)}, id="sha1"),
    pytest.param({"X-Hub-Signature-256": signed(body=BODY + b" ")}, id="of another body"),
]


@pytest.mark.fault(41)
@pytest.mark.parametrize("headers", STRANGERS)
def test_a_delivery_that_is_not_githubs_is_refused_and_asks_nothing(upstream, hooked, worker, headers):
    answer = deliver({}, body=BODY, delivery="d", **headers)
    assert answer.status_code in (401, 403)
    worker()
    assert upstream.requests == []
    assert not WebhookDelivery.objects.exists()


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ref": "refs/heads/other"}, id="another branch"),
        pytest.param({"ref": "refs/tags/v1"}, id="a tag"),
        pytest.param({"ref": MAIN, "deleted": True, "after": "0" * 40}, id="deleted"),
    ],
)
def test_what_is_not_followed_is_taken_in_and_asks_nothing(upstream, hooked, worker, changes):
    answer = deliver({**push(repository=repository(id=None)), **changes})
    assert 200 <= answer.status_code < 300
    worker()
    assert upstream.requests == []


@pytest.mark.fault(41)
def test_a_replayed_delivery_asks_nothing_again(upstream, hooked, worker):
    told = push(repository=repository(id=None))
    assert taken(deliver(told, delivery="once")) == ("queued", 1)
    worker()
    upstream.requests.clear()
    assert taken(deliver(told, delivery="once"))[0] == "repeated"
    worker()
    assert upstream.requests == []


KILLED = """
from marketplace.services import rescan as module
from tests.marketplace.scanning import WRITING, Interfering
source = create_source(url="{url}/acme/tools", actor=COMMAND_LINE)
scan(source, report=Interfering(WRITING, kill))
"""

AGAIN = """
from datetime import timedelta
from django.utils import timezone
from marketplace.models import CatalogEntry
before = CatalogEntry.objects.count()
Source.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
result = scan(Source.objects.get())
tell(before=before, new=result.counters.new)
"""


@pytest.mark.fault(42)
@pytest.mark.slow
@pytest.mark.django_db
def test_a_scan_that_was_killed_reads_no_file_twice(machine):
    hub = machine.hub
    machine.run(KILLED.format(url=hub.url), killed=True)
    assert len(asked(hub, "/git/blobs/")) == 2
    hub.requests.clear()
    assert machine.run(AGAIN) == {"before": 0, "new": 2}
    assert asked(hub, "/git/blobs/") == []
    assert [len(asked(hub, part)) for part in ("/commits/", "/git/trees/")] == [1, 1]


@pytest.mark.fault(42)
@pytest.mark.django_db
def test_files_that_another_source_read_before_are_not_read_again(upstream, source, on_github):
    """The same content under another name: a fork, or a scan that got as far as its files."""
    scan(source)
    on_github(skills("alpha", "beta"), "acme/fork")
    fork = create_source(url=f"{upstream.url}/acme/fork", actor=COMMAND_LINE)
    upstream.requests.clear()
    assert scan(fork).counters.new == 2
    assert asked(upstream, "/git/blobs/") == []
    assert Source.objects.count() == 2
