"""An import that is stopped, starved or cheated in the middle: what was done is whole, the rest says why."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

import pytest

from collections_app.errors import CollectionBusy
from collections_app.models import Artifact, Collection, Snapshot
from collections_app.services import installing
from collections_app.services.holding import ensure_collection
from collections_app.services.recovery import recover_disk
from collections_app.store import checkpoints, journal, staging
from marketplace.models import EntryImport
from marketplace.services import bulk_import, import_delivery
from marketplace.services.import_run import ImportOptions
from marketplace.services.reimport import ReimportOptions
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import Cancelled, DomainError
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.errors import UpstreamRateLimited, UpstreamUnreachable
from skillmeat_site.upstream.git import GitProvider
from tests.conftest import skill, skills
from tests.marketplace.imports.importing import (
    EXECUTABLE,
    LINK,
    agree,
    anew,
    bring,
    commit_files,
    folder,
    git,
    ids,
    on_disk,
    statuses,
)
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db
NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture
def small(monkeypatch):
    """Chunks of two, upstream batches of two."""
    monkeypatch.setattr(import_delivery, "READ_TOGETHER", 2)
    monkeypatch.setattr(import_delivery, "CHUNK", 2)


def failing(monkeypatch, error, *, after):
    """Reading fails for good after so many batches."""
    read, calls = GitProvider.read, []

    def reading(self, *args, **more):
        calls.append(args)
        if len(calls) > after:
            raise error
        return read(self, *args, **more)

    monkeypatch.setattr(GitProvider, "read", reading)


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (UpstreamRateLimited("limit", retry_after=60), "upstream_rate_limited", "deferred"),
        (UpstreamUnreachable("gone"), "upstream_unreachable", "failed"),
        (Cancelled(), "cancelled", "deferred"),
    ],
    ids=["limit", "network", "cancel"],
)
def test_what_was_read_before_is_installed_and_the_rest_says_why(
    registered, monkeypatch, small, error, status, outcome
):
    """Reference 7, 4, 5 and 6: a failed download counted as success."""
    _, source = registered(skills(*NAMES))
    failing(monkeypatch, error, after=1)
    result = bring(source)
    assert statuses(result)[:2] == [("success", "a"), ("success", "b")]
    assert statuses(result)[2:] == [("error", status)] * 3
    assert {entry.outcome.value for entry in result.entries[2:]} == {outcome}
    assert on_disk() == ["skills/a/SKILL.md", "skills/b/SKILL.md"]
    assert EntryImport.objects.count() == 2
    assert result.job_status == ("cancelled" if outcome == "deferred" and status == "cancelled" else "partial")


@pytest.mark.parametrize("error", [UpstreamRateLimited("limit"), UpstreamUnreachable("gone")], ids=["limit", "net"])
def test_a_repository_that_cannot_be_read_at_all_changes_nothing(registered, monkeypatch, error):
    _, source = registered(skills("a", "b"))
    bring(source, ids(source)[:1])
    before = (folder() / "collection.toml").read_bytes()
    failing(monkeypatch, error, after=0)
    with pytest.raises(type(error)):
        bring(source, strategy="overwrite")
    assert (folder() / "collection.toml").read_bytes() == before
    assert not Snapshot.objects.exists()
    for keep in (True, False):
        with pytest.raises(type(error)):
            anew(source, ids(source)[0], keep_deployments=keep)
    assert on_disk() == ["skills/a/SKILL.md"]
    assert Artifact.objects.count() == 1


def test_in_bulk_each_source_fails_for_itself_and_a_cancel_defers_the_rest(registered, monkeypatch):
    _, one = registered(skills("a"), "one")
    _, two = registered(skills("b"), "two")
    read = GitProvider.read

    def reading(self, address, *args, **more):
        if "one" in address.url:
            raise UpstreamRateLimited("limit")
        return read(self, address, *args, **more)

    monkeypatch.setattr(GitProvider, "read", reading)
    chosen = [*ids(two), *ids(one), 10**9]
    result = bulk_import.import_entries(chosen, options=ImportOptions(), actor=COMMAND_LINE, report=SilentReport())
    assert [(row.outcome.value, row.code) for row in result.rows] == [
        ("created", ""),
        ("deferred", "upstream_rate_limited"),
        ("failed", "not_found"),
    ]
    assert [imported.source_id for imported in result.imports] == [one.pk, two.pk]
    assert (result.imports[0].item_outcome, result.imports[0].code) == ("deferred", "upstream_rate_limited")

    class Stopped(SilentReport):
        def tick(self):
            raise Cancelled

    result = bulk_import.import_entries(
        ids(one) + ids(two), options=ImportOptions(), actor=COMMAND_LINE, report=Stopped()
    )
    assert {row.code for row in result.rows} == {"cancelled"}
    assert result.job_status == "cancelled"
    again = bulk_import.reimport_many(chosen, options=ReimportOptions(), actor=COMMAND_LINE, report=Stopped())
    assert [(row.outcome.value, row.code) for row in again.rows] == [
        ("deferred", "cancelled"),
        ("deferred", "cancelled"),
        ("failed", "not_found"),
    ]
    assert again.job_status == "cancelled"


def test_a_full_disk_in_the_middle(registered, monkeypatch, small):
    _, source = registered(skills(*NAMES))
    write, full = staging._write_file, []

    def writing(fd, name, data, mode):
        if b"name: c" in data or full:
            full.append(name)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(fd, name, data, mode)

    monkeypatch.setattr(staging, "_write_file", writing)
    result = bring(source)
    assert statuses(result)[:2] == [("success", "a"), ("success", "b")]
    assert {code for _, code in statuses(result)[2:]} == {"disk_full"}
    assert on_disk() == ["skills/a/SKILL.md", "skills/b/SKILL.md"]


def test_a_database_that_fails_undoes_its_chunk_only(registered, monkeypatch, small):
    """Reference 6: the rows of a failed batch were only logged."""
    _, source = registered(skills(*NAMES))
    original, calls = import_delivery.link_imports, []

    def link(*args):
        original(*args)
        calls.append(args)
        if len(calls) == 2:
            raise CollectionBusy("as if")

    monkeypatch.setattr(import_delivery, "link_imports", link)
    result = bring(source)
    assert [status for status, _ in statuses(result)] == ["success", "success", "error", "error", "success"]
    assert on_disk() == [f"skills/{name}/SKILL.md" for name in "abe"]
    assert sorted(Artifact.objects.values_list("name", flat=True)) == ["a", "b", "e"]


@pytest.mark.parametrize("start", range(3))
def test_an_interrupted_import_is_undone_or_whole_at_every_step(registered, monkeypatch, start):
    """Ctrl-C at each checkpoint: records and files agree, and a second run ends well."""
    _, source = registered(skills("a", "b"))
    steps = []
    monkeypatch.setattr(checkpoints, "reached", steps.append)
    bring(source, collection="walk")
    assert len(steps) > 10
    for number in range(start, len(steps), 3):
        left, slug = iter(range(number)), f"c{number}"

        def stop(name, left=left):
            if next(left, None) is None:
                monkeypatch.setattr(checkpoints, "reached", steps.append)
                raise KeyboardInterrupt

        monkeypatch.setattr(checkpoints, "reached", stop)
        with suppress(KeyboardInterrupt):
            bring(source, collection=slug)
        journal.running.clear()  # the process that was interrupted has ended
        recover_disk()
        agree(slug)
        done = on_disk(slug) if folder(slug).exists() else []
        assert done in ([], ["skills/a/SKILL.md", "skills/b/SKILL.md"])
        assert Artifact.objects.filter(collection__slug=slug).count() == len(done)
        assert {status for status, _ in statuses(bring(source, collection=slug))} <= {"success", "skipped"}


def test_a_blob_that_is_not_what_it_should_be(registered, monkeypatch):
    _, source = registered(skills("a", "b"))
    read = GitProvider.read

    def reading(self, *args, **more):
        blobs = read(self, *args, **more)
        found = {oid: data + b"!" if b"name: a" in data else data for oid, data in blobs.found.items()}
        return type(blobs)(found, blobs.unread)

    monkeypatch.setattr(GitProvider, "read", reading)
    for dry_run in (True, False):
        assert statuses(bring(source, dry_run=dry_run)) == [("error", "content_mismatch"), ("success", "b")]
    assert on_disk() == ["skills/b/SKILL.md"]


@pytest.mark.parametrize(
    ("target", "code"),
    [("../../b/SKILL.md", "unsafe_link"), ("/etc/passwd", "unsafe_link"), ("loop", "unsafe_link")],
)
def test_links_that_leave_an_artifact(registered, target, code):
    """Reference 38."""
    repository, source = registered(skills("a", "b"))
    commit_files(repository, {"skills/a/loop": (LINK, target.encode())})
    scan(source)
    for dry_run in (True, False):
        assert statuses(bring(source, dry_run=dry_run)) == [("error", code), ("success", "b")]


def test_limits(registered, settings):
    """Reference 42."""
    settings.SKILLMEAT_ARTIFACT_MAX_FILES = 3
    settings.SKILLMEAT_ARTIFACT_MAX_BYTES = 2000
    settings.SKILLMEAT_ARTIFACT_MAX_DEPTH = 2
    repository, source = registered(skills("a", "b", "c", "d"))
    commit_files(
        repository,
        {
            **{f"skills/a/{n}": ("100644", b"x") for n in range(4)},
            "skills/b/large": ("100644", b"x" * 3000),
            "skills/c/1/2/3": (EXECUTABLE, b"x"),
        },
    )
    scan(source)
    for dry_run in (True, False):
        result = bring(source, dry_run=dry_run)
        assert statuses(result) == [("error", "limit_exceeded")] * 3 + [("success", "d")]
    assert on_disk() == ["skills/d/SKILL.md"]


def test_a_submodule_cannot_be_imported(registered):
    repository, source = registered(skills("a", "b"))
    commit = git(repository, "rev-parse", "main")
    tree = git(repository, "ls-tree", "main:skills/a")
    inner = git(repository, "mktree", stdin=f"{tree}\n160000 commit {commit}\tsub\n".encode())
    other = git(repository, "ls-tree", "main:skills").splitlines()[1]
    outer = git(repository, "mktree", stdin=f"040000 tree {inner}\ta\n{other}\n".encode())
    root = git(repository, "mktree", stdin=f"040000 tree {outer}\tskills\n".encode())
    env = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    git(
        repository,
        "update-ref",
        "refs/heads/main",
        git(repository, *env, "commit-tree", root, "-m", "x", "-p", commit),
    )
    scan(source)
    assert statuses(bring(source)) == [("error", "not_importable"), ("success", "b")]


def test_a_busy_collection_is_left_alone(registered):
    _, source = registered(skills("a"))
    lease = Lease.acquire(Collection, ensure_collection("default").pk)
    assert lease is not None
    with pytest.raises(CollectionBusy):
        bring_without_check(source)
    assert not folder().exists()
    lease.release()
    assert statuses(bring(source)) == [("success", "a")]


def bring_without_check(source):
    return bulk_import.import_source_entries(
        source, ids(source), options=ImportOptions(), actor=COMMAND_LINE, report=SilentReport()
    )


def test_a_scan_that_goes_by_during_the_import_is_not_forgotten(registered, monkeypatch):
    """The artifact comes in as it was read, and knows at once that upstream has moved on."""
    repository, source = registered(skills("a"))
    read = GitProvider.read
    busy = []

    def reading(self, *args, **more):
        if not busy:
            busy.append(True)
            repository.commit({"skills/a/SKILL.md": skill("a", "New")})
            scan(source)
        return read(self, *args, **more)

    monkeypatch.setattr(GitProvider, "read", reading)
    assert statuses(bring(source)) == [("success", "a")]
    row = Artifact.objects.get()
    assert row.base_oid != row.upstream_oid == source.entries.get().content_oid
    there = git(repository, "hash-object", str(folder() / "skills/a/SKILL.md"))
    assert there == git(repository, "rev-parse", "main~1:skills/a/SKILL.md")


def test_what_comes_to_the_place_between_plan_and_swap_is_kept(registered, monkeypatch):
    _, source = registered(skills("a", "b"))
    original = installing.install

    def install(held, items, **more):
        (folder() / "skills/a").mkdir(parents=True)
        (folder() / "skills/a/mine").write_text("mine")
        return original(held, items, **more)

    monkeypatch.setattr(import_delivery, "install", install)
    assert statuses(bring(source)) == [("conflict", "unmanaged_file"), ("success", "b")]
    assert (folder() / "skills/a/mine").read_text() == "mine"


def test_an_error_is_raised_only_as_what_it_is(registered):
    _, source = registered(skills("a"))
    source.entries.update(content_oid="0" * 40)
    assert statuses(bring(source)) == [("error", "content_mismatch")]
    with pytest.raises(DomainError) as refused:
        anew(source, ids(source)[0])
    assert refused.value.code == "content_mismatch"
