import pytest

from marketplace.services.rescan import ScanOptions, rescan_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport

pytestmark = pytest.mark.django_db


def scan(source, **options):
    return rescan_source(source.pk, actor=COMMAND_LINE, options=ScanOptions(**options), report=SilentReport())


def test_first_scan_finds_everything(source):
    result = scan(source)
    assert result.counters.new == 5
    assert source.entries.count() == 5


def test_rest(api, source):
    answer = api.post(f"/api/v1/marketplace/sources/{source.pk}/rescan", {}, format="json")
    assert answer.status_code == 200, answer.content
    answer = api.get("/api/v1/marketplace/entries?type=skill&ordering=name")
    assert [row["name"] for row in answer.json()["results"]] == ["alpha", "beta", "gamma"]
    assert api.get("/api/v1/marketplace/entries?typ=skill").json()["code"] == "unknown_field"
    assert api.get("/api/v1/marketplace/entries?type=skil").json()["code"] == "invalid_parameter"
    print(api.get("/api/v1/jobs").json())
