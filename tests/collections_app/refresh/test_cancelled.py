"""A refresh that somebody cancels in the middle: what is written is told as written, the rest is deferred."""

from __future__ import annotations

from typing import Any

import pytest

from collections_app.domain.refresh_options import RefreshOptions
from collections_app.jobs import bulk_refresh, refresh
from collections_app.models import Snapshot
from collections_app.services import refreshing
from collections_app.services.refreshing import BEFORE_REFRESH, refresh_collection
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import Cancelled
from skillmeat_site.core.jobs import control, runner
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.refresh.refreshing import SLUG, SYNC, every_byte, run
from tests.conftest import Repository, skill

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def changed(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Three artifacts have changed, and each is written by itself."""
    monkeypatch.setattr(refreshing, "CHUNK", 1)
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in NAMES})
    return repository


class Cancelling(SilentReport):
    """Cancels once so many are written."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def progress(self, done: int, total: int, label: str = "") -> None:
        super().progress(done, total, label)
        if label == "refreshing" and done == self.after:
            raise Cancelled


@pytest.fixture
def cancelled_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever job refreshes is cancelled once one is written."""
    original = refreshing._write_chunk

    def write(held: Any, run: Any, prepared: Any, waiting: Any, snapshot_id: str) -> None:
        if any(one.code == "" and one.changes for one in prepared.planned) and write.done:  # type: ignore[attr-defined]
            raise Cancelled
        original(held, run, prepared, waiting, snapshot_id)
        write.done = True  # type: ignore[attr-defined]

    write.done = False  # type: ignore[attr-defined]
    monkeypatch.setattr(refreshing, "_write_chunk", write)


def test_what_is_written_is_told_and_the_rest_is_deferred(changed: Repository) -> None:
    before = every_byte()
    result = refresh_collection(SLUG, RefreshOptions.of(SYNC), actor=COMMAND_LINE, report=Cancelling(2))
    told = result.to_json()
    assert (told["refreshed_count"], told["summary"]["deferred"], result.job_status) == (2, 1, "cancelled")
    assert [row["code"] for row in told["details"] if row["status"] == "error"] == ["cancelled"]
    assert told["snapshot_id"] == str(Snapshot.objects.get(reason=BEFORE_REFRESH).pk)
    now = every_byte()
    assert sum(now[f"skills/{name}/SKILL.md"] != before[f"skills/{name}/SKILL.md"] for name in NAMES) == 2
    assert run(**SYNC).to_json()["refreshed_count"] == 1


def test_before_anything_is_written_it_is_as_if_nobody_had_asked(
    changed: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*args: Any) -> None:
        raise Cancelled

    monkeypatch.setattr(refreshing, "_write_chunk", write)
    before = every_byte()
    with pytest.raises(Cancelled):
        run(**SYNC)
    assert every_byte() == before
    assert not Snapshot.objects.filter(reason=BEFORE_REFRESH).exists()


def test_the_job_is_cancelled_and_a_retry_takes_up_the_rest(changed: Repository, cancelled_job: None) -> None:
    job = runner.run_inline(refresh, {"slug": SLUG, **SYNC}, COMMAND_LINE).job
    outcomes = sorted(job.items.values_list("outcome", flat=True))
    assert (job.status, outcomes) == ("cancelled", ["deferred", "deferred", "unchanged", "updated"])
    again = control.retry(job, actor=COMMAND_LINE)
    assert len(again.params["filters"]["ids"]) == 2


def test_of_several_the_rest_is_deferred(changed: Repository, cancelled_job: None) -> None:
    job = runner.run_inline(bulk_refresh, {"slugs": [SLUG, "other"], **SYNC}, COMMAND_LINE).job
    items = dict(job.items.values_list("object_id", "outcome"))
    assert (job.status, items) == ("cancelled", {SLUG: "deferred", "other": "deferred"})
    assert job.items.get(object_id=SLUG).detail["refreshed_count"] == 1
