"""What a scan does not remove, and what a dry run does not write."""

from __future__ import annotations

import pytest

from marketplace.models import ScanRun
from marketplace.services.rescan import ScanOptions, rescan_source
from marketplace.services.sources import update_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import LeaseLost
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import JobStatus
from skillmeat_site.upstream.process import run_git
from tests.conftest import skill, skills
from tests.marketplace.scanning import DETECTING, Interfering, counters, dump, row_counts, scan, statuses

pytestmark = pytest.mark.django_db

MANY = [f"skill-{n:02}" for n in range(12)]


def without(*names: str) -> dict[str, str | None]:
    return {f"skills/{name}/SKILL.md": None for name in names}


@pytest.fixture
def many(registered):
    return registered(skills(*MANY))


# ---- removal guard


def test_too_many_removals_are_held_and_everything_else_is_done(many):
    repository, source = many
    repository.commit(without(*MANY[:11]) | {"skills/skill-11/SKILL.md": skill("skill-11", "new")} | skills("fresh"))
    result = scan(source)
    assert counters(result) == {"new": 1, "updated": 1}
    assert (result.held, result.code, result.job_status) == (11, "removals_held", JobStatus.PARTIAL)
    assert result.warnings[0].code == "removals_held"
    assert statuses(source) == dict.fromkeys((f"skills/{n}" for n in MANY[:11]), "new") | {
        "skills/skill-11": "updated",
        "skills/fresh": "new",
    }
    assert source.last_error_code == "removals_held"
    assert source.counts == {"skill": 13}
    assert ScanRun.objects.first().code == "removals_held"
    assert source.last_success_at < source.last_scanned_at


def test_held_removals_are_looked_at_again(many):
    repository, source = many
    repository.commit(without(*MANY[:11]))
    scan(source)
    again = scan(source)
    assert again.short_circuit is None
    assert (counters(again), again.held) == ({"unchanged": 1}, 11)


def test_allowed_removals_are_carried_out(many):
    repository, source = many
    repository.commit(without(*MANY[:11]))
    scan(source)
    result = scan(source, allow_removals=True)
    assert (counters(result), result.held, result.code) == ({"unchanged": 1, "removed": 11}, 0, "")
    assert source.last_error_code == ""
    assert source.counts == {"skill": 1}
    assert scan(source).short_circuit == "commit"


def test_held_removals_that_come_back_are_as_if_nothing_had_been(many):
    repository, source = many
    before = dump()
    repository.commit(without(*MANY[:11]))
    scan(source)
    repository.commit(skills(*MANY[:11]))
    result = scan(source)
    assert (counters(result), result.held) == ({"unchanged": 12}, 0)
    assert dump() == before


def test_ten_may_go_without_asking(registered):
    repository, source = registered(skills(*MANY[:10]) | skills("stays"))
    repository.commit(without(*MANY[:10]))
    assert counters(scan(source)) == {"unchanged": 1, "removed": 10}


def test_an_emptied_repository_removes_nothing(many):
    """A force-push of nothing, or a host that serves an empty repository: even one removal is held."""
    repository, source = many
    run_git(["update-ref", "-d", "refs/heads/main"], git_dir=repository.path, deadline_seconds=30)
    before = dump()
    result = scan(source)
    assert (counters(result), result.held, result.commit) == ({}, 12, None)
    assert dump() == before
    assert counters(scan(source, allow_removals=True)) == {"removed": 12}


def test_an_emptied_repository_with_one_entry_removes_nothing(registered):
    repository, source = registered(skills("only"))
    run_git(["update-ref", "-d", "refs/heads/main"], git_dir=repository.path, deadline_seconds=30)
    assert scan(source).held == 1
    assert statuses(source) == {"skills/only": "new"}


def test_a_root_folder_that_vanishes_removes_nothing(registered):
    repository, source = registered({"tools/skills/a/SKILL.md": skill("a")}, root_hint="tools")
    repository.commit({"tools/skills/a/SKILL.md": None, "README.md": "moved elsewhere"})
    before = dump()
    result = scan(source)
    assert (counters(result), result.held) == ({}, 1)
    assert {"removals_held", "root_hint_missing"} <= {warning.code for warning in result.warnings}
    assert dump() == before


def test_a_root_folder_that_stays_but_is_emptied_does_remove(registered):
    repository, source = registered({"tools/skills/a/SKILL.md": skill("a")}, root_hint="tools")
    repository.commit({"tools/skills/a/SKILL.md": None, "tools/README.md": "empty"})
    assert counters(scan(source)) == {"removed": 1}


# ---- incomplete listings


@pytest.fixture
def capped(many, settings):
    """The listing is cut after the first entries: what is not in it may still be there."""
    repository, source = many
    settings.SKILLMEAT_LISTING_MAX_ENTRIES = 7  # skills, and three skills with their file
    repository.commit({"README.md": "x"})
    return repository, source


def test_an_incomplete_listing_never_removes(capped, settings):
    _, source = capped
    before = dump()
    result = scan(source, allow_removals=True)
    assert not result.listing_complete
    assert "listing_capped" in {warning.code for warning in result.warnings}
    assert set(counters(result)) == {"unchanged"}
    assert counters(result)["unchanged"] < 12
    assert dump() == before


def test_an_incomplete_listing_still_adds_and_updates(capped):
    repository, source = capped
    repository.commit({"skills/aaa/SKILL.md": skill("aaa"), "skills/skill-00/SKILL.md": skill("skill-00", "new")})
    result = scan(source)
    assert counters(result)["new"] == 1
    assert counters(result)["updated"] == 1
    assert "removed" not in counters(result)


def test_after_an_incomplete_listing_the_same_commit_is_scanned_again(capped, settings):
    _, source = capped
    scan(source)
    settings.SKILLMEAT_LISTING_MAX_ENTRIES = 500_000
    result = scan(source)
    assert (result.short_circuit, result.listing_complete) == (None, True)
    assert counters(result) == {"unchanged": 12}


# ---- dry run


@pytest.fixture
def eventful(registered):
    """A source where the next scan has something of everything to tell."""
    files = skills("changes", "moves", "goes", "stays") | {"copy/SKILL.md": skill("stays")}
    repository, source = registered(files)
    repository.commit(
        without("moves", "goes")
        | {"skills/changes/SKILL.md": skill("changes", "new"), "new/moves/SKILL.md": skill("moves")}
        | skills("comes")
    )
    return repository, source


def told(result) -> dict:
    """All that the answer says, but for the clock and the word that it was a dry run."""
    body = result.to_json()
    return {name: value for name, value in body.items() if name not in ("scanned_at", "scan_duration_ms", "dry_run")}


def columns(source) -> dict:
    source.refresh_from_db()
    return {field.attname: getattr(source, field.attname) for field in source._meta.concrete_fields}


def test_a_dry_run_tells_what_the_run_then_does(eventful):
    _, source = eventful
    dry = scan(source, dry_run=True)
    assert dry.dry_run
    real = scan(source)
    assert not real.dry_run
    assert told(dry) == told(real)
    assert counters(real) == {"new": 1, "updated": 2, "removed": 1, "unchanged": 2, "within": 1}


def test_a_dry_run_writes_nothing(eventful):
    _, source = eventful
    entries, rows, row = dump(), row_counts(), columns(source)
    scan(source, dry_run=True, allow_removals=True)
    assert (dump(), row_counts(), columns(source)) == (entries, rows, row)


def test_a_dry_run_tells_of_held_removals(many):
    repository, source = many
    repository.commit(without(*MANY[:11]))
    dry = scan(source, dry_run=True)
    assert (dry.held, dry.code) == (11, "removals_held")
    assert told(dry) == told(scan(source))


def test_a_dry_run_of_a_current_source_is_short_too(many):
    _, source = many
    row = columns(source)
    assert scan(source, dry_run=True).short_circuit == "commit"
    assert columns(source) == row


def test_a_dry_run_needs_no_lease(many):
    _, source = many
    lease = Lease.acquire(type(source), source.pk)
    options = ScanOptions(dry_run=True, force=True)
    result = rescan_source(source.pk, actor=COMMAND_LINE, options=options, report=SilentReport())
    assert counters(result) == {"unchanged": 12}
    lease.renew()  # raises if it was taken away


# ---- settings changed meanwhile


def changed_while_detecting(source, **changes) -> Interfering:
    other = type(source).objects.get(pk=source.pk)
    return Interfering(DETECTING, lambda: update_source(other, actor=COMMAND_LINE, changes=changes))


def test_an_interval_set_during_the_scan_is_kept(many):
    """When the source is due next follows from the interval as it is then, not as it was when the scan began."""
    repository, source = many
    repository.commit(skills("fresh"))
    change = changed_while_detecting(source, scan_interval=60)
    scan(source, report=change)
    assert change.done
    assert source.scan_interval == 60
    assert source.next_scan_at is not None


def test_an_interval_taken_away_during_the_scan_stays_away(many):
    repository, source = many
    update_source(source, actor=COMMAND_LINE, changes={"scan_interval": 60})
    repository.commit(skills("fresh"))
    scan(source, report=changed_while_detecting(source, scan_interval=None))
    assert source.next_scan_at is None


def test_options_changed_during_the_scan_are_seen_by_the_next_one(many):
    repository, source = many
    repository.commit({"prompts/p.md": "Do p"})
    scan(source, report=changed_while_detecting(source, manual_map={"prompts": "command"}, tags=["kept"]))
    assert source.tags == ["kept"]
    result = scan(source)
    assert result.short_circuit is None
    assert counters(result) == {"new": 1, "unchanged": 12}


def test_a_source_that_became_another_during_the_scan_gets_nothing_of_it(many):
    repository, source = many
    run_git(["branch", "old", "main"], git_dir=repository.path, deadline_seconds=30)
    repository.commit(skills("fresh"))
    before = dump()
    with pytest.raises(LeaseLost):
        scan(source, report=changed_while_detecting(source, ref="old"))
    assert dump() == before
    assert counters(scan(source)) == {"unchanged": 12}
