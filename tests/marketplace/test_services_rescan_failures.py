"""A scan that fails, at whatever step, leaves every entry as it was, says why, and is tried again later."""

from __future__ import annotations

import errno
import shutil
import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from marketplace.errors import SourceBusy
from marketplace.models import CatalogEntry, ScanRun, Source
from marketplace.services import catalog_writer, rescan
from marketplace.services.scan_record import BACK_OFF
from marketplace.services.sources import create_source, delete_source, update_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import Cancelled, DiskFull, LeaseLost, NotFound
from skillmeat_site.core.leases import LEASE_SECONDS, Lease
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.upstream.errors import (
    PathNotAllowed,
    UpstreamNotFound,
    UpstreamRefNotFound,
    UpstreamUnreachable,
)
from skillmeat_site.upstream.mirror import Mirror
from skillmeat_site.upstream.process import run_git
from tests.conftest import skill, skills
from tests.marketplace.scanning import DETECTING, WRITING, Interfering, counters, dump, scan

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(registered):
    """A scanned source whose repository has changed in every way since."""
    repository, source = registered(skills("changes", "goes", "moves", "stays"))
    repository.commit(
        {"skills/changes/SKILL.md": skill("changes", "new"), "skills/goes/SKILL.md": None}
        | {"skills/moves/SKILL.md": None, "new/moves/SKILL.md": skill("moves")}
        | skills("comes")
    )
    return repository, source


EVERYTHING = {"new": 1, "updated": 2, "removed": 1, "unchanged": 1}


def fails_with(error: type[Exception], source: Source, report=None) -> Source:
    """Scan, expect this error, and find that the catalog is untouched and the lease given back."""
    before, events = dump(), AuditEvent.objects.count()
    good = (source.head_commit, source.tree_oid, source.counts, source.counters, source.last_success_at)
    with pytest.raises(error):
        scan(source, report=report)
    assert dump() == before
    assert AuditEvent.objects.count() == events
    source.refresh_from_db()
    assert (source.head_commit, source.tree_oid, source.counts, source.counters, source.last_success_at) == good
    return source


def recorded(source: Source, code: str) -> None:
    """The failure stands on the source and as a run of its own."""
    assert source.last_error_code == code
    assert source.last_error_detail
    assert source.failures == 1
    assert source.not_before > timezone.now()
    assert source.lease_token is None
    run = ScanRun.objects.first()
    assert (run.outcome, run.code, run.new_count, run.removed_count) == ("failed", code, 0, 0)


# ---- upstream


def test_unreachable_host(settings):
    settings.SKILLMEAT_ALLOWED_HOSTS = ["http://127.0.0.1:9"]
    source = create_source(url="http://127.0.0.1:9/acme/tools", actor=COMMAND_LINE)
    recorded(fails_with(UpstreamUnreachable, source), "upstream_unreachable")
    assert Source.objects.with_health().get().health == "unreachable"


def test_missing_ref(due):
    _, source = due
    update_source(source, actor=COMMAND_LINE, changes={"ref": "no-such-branch"})
    recorded(fails_with(UpstreamRefNotFound, source), "upstream_ref_not_found")


def test_repository_gone(due):
    repository, source = due
    shutil.move(repository.path, repository.path.with_name("away"))
    recorded(fails_with(UpstreamNotFound, source), "upstream_not_found")


def test_something_else_in_its_place(due):
    repository, source = due
    shutil.rmtree(repository.path)
    repository.path.write_text("not a repository")
    recorded(fails_with(UpstreamNotFound, source), "upstream_not_found")


def test_path_no_longer_allowed(due, settings):
    _, source = due
    settings.SKILLMEAT_LOCAL_SOURCE_ROOTS = []
    recorded(fails_with(PathNotAllowed, source), "path_not_allowed")


def test_a_link_put_in_its_place_does_not_lead_out(due, tmp_path):
    repository, source = due
    outside = tmp_path / "outside.git"
    shutil.move(repository.path, outside)
    repository.path.symlink_to(outside)
    recorded(fails_with(PathNotAllowed, source), "path_not_allowed")


def test_disk_full_while_the_mirror_is_written(due, monkeypatch):
    _, source = due

    def full(self, remote, head):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Mirror, "fetch_commit", full)
    recorded(fails_with(DiskFull, source), "disk_full")


def test_a_repository_that_changes_while_it_is_read_is_read_at_one_commit(due):
    """Head is resolved once; what is pushed meanwhile belongs to the next scan."""
    repository, source = due
    push = Interfering(DETECTING, lambda: repository.commit(skills("later")))
    assert counters(scan(source, report=push)) == EVERYTHING
    assert push.done
    assert counters(scan(source)) == {"new": 1, "unchanged": 4}


# ---- while writing


def test_an_exception_in_the_writer_rolls_everything_back(due, monkeypatch):
    """Half of the plan is written when it happens. A bug is no failure of the source: nothing is recorded either."""
    _, source = due

    def fail(*args):
        assert CatalogEntry.objects.filter(path="skills/comes").exists()
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(catalog_writer, "_link", fail)
        source = fails_with(ZeroDivisionError, source)
    assert (source.last_error_code, source.failures, source.lease_token) == ("", 0, None)
    assert counters(scan(source)) == EVERYTHING


def test_a_database_error_at_the_last_statement_rolls_everything_back(due, monkeypatch):
    _, source = due

    def locked(*args):
        assert ScanRun.objects.count() == 2
        raise OperationalError("database is locked")

    monkeypatch.setattr(rescan.scan_record, "scanned", locked)
    recorded(fails_with(OperationalError, source), "database_busy")


def test_a_lease_lost_on_the_way_writes_nothing(due):
    """Somebody took the source over: it is his to write, and his lease is not given back."""
    _, source = due
    thief = uuid.uuid4()
    steal = Interfering(DETECTING, lambda: Source.objects.filter(pk=source.pk).update(lease_token=thief))
    source = fails_with(LeaseLost, source, steal)
    assert steal.done
    assert source.lease_token == thief
    assert (source.last_error_code, source.failures) == ("", 0)
    assert ScanRun.objects.count() == 1


def test_a_lease_lost_just_before_writing_writes_nothing(due):
    _, source = due
    thief = uuid.uuid4()
    steal = Interfering(WRITING, lambda: Source.objects.filter(pk=source.pk).update(lease_token=thief))
    assert fails_with(LeaseLost, source, steal).lease_token == thief


def test_a_source_deleted_on_the_way(due):
    _, source = due

    def delete() -> None:
        Source.objects.filter(pk=source.pk).update(lease_token=None, lease_until=None)
        delete_source(Source.objects.get(pk=source.pk), actor=COMMAND_LINE)

    with pytest.raises(LeaseLost):
        scan(source, report=Interfering(WRITING, delete))
    assert not CatalogEntry.objects.exists()


def test_cancelled_between_two_steps(due):
    _, source = due

    def cancel() -> None:
        raise Cancelled

    for step in (DETECTING, WRITING):
        source = fails_with(Cancelled, source, Interfering(step, cancel))
        assert (source.last_error_code, source.failures, source.lease_token) == ("", 0, None)
    assert counters(scan(source)) == EVERYTHING


# ---- the lease


def test_a_held_source_is_busy(due):
    _, source = due
    lease = Lease.acquire(Source, source.pk)
    with pytest.raises(SourceBusy) as busy:
        scan(source)
    assert busy.value.data == {"source_id": source.pk}
    assert ScanRun.objects.count() == 1
    lease.release()
    assert counters(scan(source)) == EVERYTHING


def test_an_expired_lease_is_taken_over(due):
    """What a killed worker leaves behind."""
    _, source = due
    Lease.acquire(Source, source.pk)
    Source.objects.filter(pk=source.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert counters(scan(source)) == EVERYTHING


def test_ticks_renew_the_lease(due, monkeypatch):
    _, source = due
    monkeypatch.setattr("skillmeat_site.core.leases.RENEW_SECONDS", 0)
    soon = timezone.now() + timedelta(seconds=2)

    def shorten() -> None:
        Source.objects.filter(pk=source.pk).update(lease_until=soon)

    seen = []
    report = Interfering(DETECTING, shorten)
    tick = report.tick
    report.tick = lambda: (tick(), seen.append(Source.objects.get(pk=source.pk).lease_until))
    scan(source, report=report)
    assert seen[-1] > soon + timedelta(seconds=LEASE_SECONDS / 2)


def test_an_unknown_source(db):
    with pytest.raises(NotFound):
        scan(Source(pk=404))


# ---- back-off


def test_the_back_off_grows_and_success_resets_it(due):
    repository, source = due
    away = repository.path.with_name("away")
    shutil.move(repository.path, away)
    waits = []
    for _ in range(5):
        with pytest.raises(UpstreamNotFound):
            scan(source)
        source.refresh_from_db()
        waits.append(source.not_before - source.last_scanned_at)
    hours = [1, 6, 24, 7 * 24, 7 * 24]
    assert waits == [timedelta(hours=h) for h in hours]
    assert waits[:4] == list(BACK_OFF)
    assert not Source.objects.sweepable().exists()

    shutil.move(away, repository.path)
    assert counters(scan(source)) == EVERYTHING, "by id it is tried at once"
    assert (source.failures, source.not_before, source.last_error_code, source.last_error_detail) == (0, None, "", "")
    assert Source.objects.sweepable().exists()


def test_after_a_failure_the_same_commit_is_scanned_in_full(registered):
    repository, source = registered(skills("a"))
    away = repository.path.with_name("away")
    shutil.move(repository.path, away)
    fails_with(UpstreamNotFound, source)
    shutil.move(away, repository.path)
    result = scan(source)
    assert result.short_circuit is None
    assert counters(result) == {"unchanged": 1}
    assert scan(source).short_circuit == "commit"


def test_due_sources_are_enabled_not_backing_off_and_late(registered):
    _, _source = registered(skills("a"))
    due = Source.objects.due
    assert not due().exists()
    past = timezone.now() - timedelta(minutes=1)
    Source.objects.update(next_scan_at=past)
    assert due().exists()
    for column, value in (("enabled", False), ("not_before", timezone.now() + timedelta(hours=1))):
        Source.objects.update(**{column: value})
        assert not due().exists()
        Source.objects.update(enabled=True, not_before=None)


def test_a_failure_is_due_again_by_its_interval(due):
    repository, source = due
    update_source(source, actor=COMMAND_LINE, changes={"scan_interval": 100})
    shutil.rmtree(repository.path)
    source = fails_with(UpstreamNotFound, source)
    wait = source.next_scan_at - source.last_scanned_at
    assert timedelta(minutes=90) <= wait <= timedelta(minutes=110)


def test_the_error_tells_no_path_of_the_server(due):
    repository, source = due
    run_git(["update-ref", "-d", "refs/heads/main"], git_dir=repository.path, deadline_seconds=30)
    shutil.rmtree(repository.path / "objects")
    with pytest.raises(UpstreamNotFound) as failure:
        scan(source)
    source.refresh_from_db()
    for told in (failure.value.detail, source.last_error_detail):
        assert str(repository.path) not in told
        assert str(repository.path.parent) not in told
