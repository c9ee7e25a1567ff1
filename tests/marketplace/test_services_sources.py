"""Registering, changing and forgetting sources: one spelling, one door, every wrong field refused by name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.errors import SourceBusy, SourceExists
from marketplace.models import CatalogEntry, ScanRun, Source
from marketplace.services.sources import (
    bulk_update_sources,
    create_source,
    delete_source,
    find_source,
    update_source,
)
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.upstream.errors import HostNotAllowed, InvalidRef, InvalidUrl, PathNotAllowed
from tests.conftest import skills
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory
from tests.marketplace.scanning import row_counts

pytestmark = pytest.mark.django_db

URL = "https://github.com/Acme/tools"


def create(url: str = URL, **fields) -> Source:
    return create_source(url=url, actor=COMMAND_LINE, **fields)


# ---- create


def test_a_source_is_registered_without_asking_anybody():
    source = create("https://github.com/no-such-owner/no-such-repository")
    assert (source.host, source.owner, source.name) == ("github.com", "no-such-owner", "no-such-repository")
    assert (source.enabled, source.trust_level, source.head_commit, source.next_scan_at) == (True, "basic", "", None)
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.trigger) == ("source.created", str(source.pk), "command")


@pytest.mark.parametrize(
    "spelling",
    [
        "https://github.com/Acme/tools",
        "https://github.com/acme/TOOLS",
        "https://github.com/Acme/tools.git",
        "https://github.com/Acme/tools/",
        "https://www.github.com/Acme/tools",
        "github.com/Acme/tools",
        "Acme/tools",
        "HTTPS://GitHub.com:443/Acme/tools",
    ],
)
def test_the_same_repository_in_any_spelling_exists_already(spelling):
    first = create()
    with pytest.raises(SourceExists) as exists:
        create(spelling)
    assert exists.value.data == {"source_id": first.pk}
    assert find_source(url=spelling) == first
    assert Source.objects.count() == 1


def test_github_io_is_no_suffix_to_cut():
    """The reference system cuts ".git" wherever it stands: foo.github.io becomes foohub.io."""
    assert create("https://github.com/foo/foo.github.io.git").name == "foo.github.io"


def test_the_same_path_in_any_spelling_exists_already(repository, tmp_path):
    first = create(repository.url)
    link = tmp_path / "repos" / "link.git"
    link.symlink_to(repository.path)
    for spelling in (
        str(repository.path),
        f"{repository.path}/",
        f"{repository.path.parent}/./toolbox.git",
        str(link),
    ):
        with pytest.raises(SourceExists) as exists:
            create(spelling)
        assert exists.value.data == {"source_id": first.pk}


def test_another_ref_or_root_is_another_source():
    create()
    create(ref="dev")
    create(root_hint="plugins/a")
    with pytest.raises(SourceExists):
        create(ref="HEAD")
    with pytest.raises(SourceExists):
        create(root_hint="./plugins/a/")
    assert Source.objects.count() == 3


@pytest.mark.parametrize(
    ("fields", "error", "pointer"),
    [
        ({"url": ""}, InvalidUrl, None),
        ({"url": "ftp://github.com/a/b"}, InvalidUrl, None),
        ({"url": "https://user:secret@github.com/a/b"}, InvalidUrl, None),
        ({"url": "https://github.com/a"}, InvalidUrl, None),
        ({"url": "https://github.com/a/" + "b" * 1990}, InvalidUrl, None),
        ({"url": "https://evil.example/a/b"}, HostNotAllowed, None),
        ({"url": "http://github.com/a/b"}, HostNotAllowed, None),
        ({"url": "/etc"}, PathNotAllowed, None),
        ({"url": "file:///etc"}, PathNotAllowed, None),
        ({"ref": "--upload-pack=evil"}, InvalidRef, None),
        ({"ref": "a..b"}, InvalidRef, None),
        ({"root_hint": "../up"}, InvalidParameter, "/root_hint"),
        ({"root_hint": "/absolute"}, InvalidParameter, "/root_hint"),
        ({"root_hint": "a//b"}, InvalidParameter, "/root_hint"),
        ({"root_hint": "a\0b"}, InvalidParameter, "/root_hint"),
        ({"root_hint": "a\udcffb"}, InvalidParameter, "/root_hint"),
        ({"root_hint": "x" * 501}, InvalidParameter, "/root_hint"),
        ({"manual_map": {"a": "nonsense"}}, InvalidParameter, "/manual_map"),
        ({"manual_map": {"skill": ["a", "b"]}}, InvalidParameter, "/manual_map"),
        ({"manual_map": ["a"]}, InvalidParameter, "/manual_map"),
        ({"manual_map": {"../a": "skill"}}, InvalidParameter, "/manual_map"),
        ({"manual_map": {"a\ud800": "skill"}}, InvalidParameter, "/manual_map"),
        ({"manual_map": {f"d{n}": "skill" for n in range(201)}}, InvalidParameter, "/manual_map"),
        ({"single_artifact_type": "workflow"}, InvalidParameter, "/single_artifact_type"),
        ({"tags": ["has space"]}, InvalidParameter, "/tags"),
        ({"tags": ["x" * 51]}, InvalidParameter, "/tags"),
        ({"tags": [f"t{n}" for n in range(21)]}, InvalidParameter, "/tags"),
        ({"trust_level": "blind"}, InvalidParameter, "/trust_level"),
        ({"scan_interval": 14}, InvalidParameter, "/scan_interval"),
        ({"scan_interval": 60 * 24 * 90 + 1}, InvalidParameter, "/scan_interval"),
    ],
)
def test_what_is_wrong_is_refused_by_name(fields, error, pointer):
    with pytest.raises(error) as refused:
        create(**fields)
    assert type(refused.value) is error
    if pointer:
        assert [problem.pointer for problem in refused.value.errors] == [pointer]
    assert "secret" not in refused.value.detail
    assert not Source.objects.exists()
    assert not AuditEvent.objects.exists()


def test_fields_are_stored_in_their_one_spelling():
    source = create(
        tags=[" A", "a", "b-c"], manual_map={"./x/": "skill", "": "agent"}, root_hint=" a/b/ ", scan_interval=60
    )
    assert source.tags == ["a", "b-c"]
    assert source.manual_map == {"x": "skill", ".": "agent"}
    assert source.root_hint == "a/b"
    wait = source.next_scan_at - timezone.now()
    assert timedelta(minutes=53) < wait < timedelta(minutes=67)


# ---- change


def test_each_field_can_be_changed_alone():
    source = create()
    changes = {
        "tags": ["x"],
        "trust_level": "verified",
        "enabled": False,
        "scan_interval": 30,
        "root_hint": "a",
        "manual_map": {"a": "skill"},
        "single_artifact_type": "agent",
        "ref": "dev",
    }
    for name, value in changes.items():
        update_source(source, actor=COMMAND_LINE, changes={name: value})
    assert {name: getattr(source, name) for name in changes} == changes
    assert source.url == URL
    assert AuditEvent.objects.filter(action="source.changed").count() == len(changes)


def test_fields_can_be_cleared():
    source = create(scan_interval=60, single_artifact_type="skill", manual_map={"a": "skill"}, ref="dev", tags=["x"])
    cleared = {"scan_interval": None, "single_artifact_type": "", "manual_map": {}, "ref": "", "tags": []}
    update_source(source, actor=COMMAND_LINE, changes=cleared)
    assert {name: getattr(source, name) for name in cleared} == cleared
    assert source.next_scan_at is None


def test_a_change_into_a_known_source_is_refused():
    first, second = create(), create(ref="dev")
    with pytest.raises(SourceExists) as exists:
        update_source(second, actor=COMMAND_LINE, changes={"ref": ""})
    assert exists.value.data == {"source_id": first.pk}
    second.refresh_from_db()
    assert second.ref == "dev"


def test_another_address_forgets_what_was_scanned_there_and_its_back_off():
    source = SourceFactory(scanned=True, failures=3, not_before=timezone.now() + timedelta(days=7))
    update_source(source, actor=COMMAND_LINE, changes={"ref": "dev"})
    assert (source.head_commit, source.tree_oid, source.failures, source.not_before) == ("", "", 0, None)


def test_the_same_address_in_another_spelling_forgets_nothing():
    source = create()
    Source.objects.update(head_commit="a" * 40)
    update_source(source, actor=COMMAND_LINE, changes={"url": "https://github.com/acme/TOOLS.git"})
    assert source.head_commit == "a" * 40


# ---- delete


def test_a_deleted_source_takes_its_entries_and_runs_along(registered):
    _, source = registered(skills("a", "b") | {"copy/SKILL.md": skills("a")["skills/a/SKILL.md"]})
    _, other = registered(skills("c"), name="other")
    delete_source(source, actor=COMMAND_LINE)
    assert list(Source.objects.all()) == [other]
    assert set(CatalogEntry.objects.values_list("source_id", flat=True)) == {other.pk}
    assert set(ScanRun.objects.values_list("source_id", flat=True)) == {other.pk}
    assert AuditEvent.objects.filter(action="source.deleted").count() == 1


def test_a_source_that_is_scanned_is_not_deleted():
    source = create()
    lease = Lease.acquire(Source, source.pk)
    with pytest.raises(SourceBusy):
        delete_source(source, actor=COMMAND_LINE)
    assert Source.objects.exists()
    lease.release()
    delete_source(source, actor=COMMAND_LINE)
    assert not Source.objects.exists()


# ---- many at once


def outcomes(result) -> list[tuple[str, str]]:
    return [(row.outcome.value, row.code) for row in result.rows]


def bulk(ids, **changes):
    return bulk_update_sources(ids, actor=COMMAND_LINE, **changes)


def test_each_row_of_a_bulk_update_settles_by_itself():
    one, two = SourceFactory(tags=["old"]), SourceFactory(tags=["new", "kept"], enabled=False)
    result = bulk([one.pk, 404, two.pk], enabled=False, add_tags=["NEW"], remove_tags=["old"])
    assert outcomes(result) == [("updated", ""), ("failed", "not_found"), ("unchanged", "")]
    assert result.summary.to_json()["total"] == 3
    one.refresh_from_db()
    assert (one.enabled, one.tags) == (False, ["new"])


def test_a_row_that_would_get_too_many_tags_fails_alone():
    full = SourceFactory(tags=[f"t{n}" for n in range(20)])
    free = SourceFactory()
    for dry_run in (True, False):
        result = bulk([full.pk, free.pk], add_tags=["more"], dry_run=dry_run)
        assert outcomes(result) == [("failed", "invalid_parameter"), ("updated", "")]
    free.refresh_from_db()
    assert free.tags == ["more"]


def test_intervals_are_set_and_cleared_for_many():
    sources = [SourceFactory(), SourceFactory(scan_interval=30)]
    ids = [source.pk for source in sources]
    assert outcomes(bulk(ids, scan_interval=30)) == [("updated", ""), ("unchanged", "")]
    assert Source.objects.filter(scan_interval=30).count() == 2
    assert outcomes(bulk(ids, clear_interval=True)) == [("updated", "")] * 2
    assert not Source.objects.filter(scan_interval__isnull=False).exists()


def test_a_dry_bulk_update_writes_nothing_and_tells_the_same():
    ids = [SourceFactory(enabled=enabled).pk for enabled in (True, False)]
    before = row_counts(), list(Source.objects.values())
    dry = bulk([*ids, 404], enabled=False, dry_run=True)
    assert (row_counts(), list(Source.objects.values())) == before
    assert dry.dry_run
    assert outcomes(dry) == outcomes(bulk([*ids, 404], enabled=False))


def test_wrong_values_for_all_refuse_the_whole():
    with pytest.raises(InvalidParameter):
        bulk([SourceFactory().pk], add_tags=["not a tag"])


# ---- health


@pytest.mark.parametrize(
    ("columns", "health"),
    [
        ({}, "never_scanned"),
        ({"scanned": True}, "fresh"),
        ({"scanned": True, "last_success_at": timezone.now() - timedelta(days=8)}, "stale"),
        ({"scanned": True, "last_error_code": "upstream_timeout"}, "unreachable"),
        ({"scanned": True, "last_error_code": "removals_held"}, "failing"),
        ({"scanned": True, "last_error_code": "upstream_timeout", "enabled": False}, "disabled"),
    ],
)
def test_health_is_derived(columns, health):
    SourceFactory(**columns)
    assert Source.objects.with_health().get().health == health


def test_entries_of_a_source_go_with_it_even_where_they_point_to_each_other():
    source = SourceFactory()
    plugin = CatalogEntryFactory(source=source, type="plugin")
    CatalogEntryFactory(source=source, plugin=plugin, duplicate_of=CatalogEntryFactory(source=source))
    delete_source(source, actor=COMMAND_LINE)
    assert not CatalogEntry.objects.exists()
