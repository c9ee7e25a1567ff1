"""Snapshots: every byte comes back, whatever happened since; and what is broken stays out of the way."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collections_app.errors import PathBlocked
from collections_app.models import Artifact, Collection, DiskOperation, Snapshot
from collections_app.services.collections import create_collection, delete_collection
from collections_app.services.homes import history, home
from collections_app.services.indexing import index_collection
from collections_app.services.recovery import prune_operations
from collections_app.services.snapshots import (
    BEFORE_RESTORE,
    apply_retention,
    find_snapshot,
    restore_snapshot,
    snapshot_collection,
)
from skillmeat_site.core.errors import DomainError, InvalidParameter, NotFound
from tests.collections_app.filled import SOME, WHO, artifact, filled, folder_of, nothing_left, tree_of, write
from tests.factories.collections import SnapshotFactory

pytestmark = pytest.mark.django_db


def take(collection, reason=""):
    return snapshot_collection(collection.slug, reason=reason, **WHO).snapshot


def restore(collection, row, **more):
    return restore_snapshot(collection.slug, str(row.pk), **WHO, **more)


FILES = ("skills/alpha/SKILL.md", "skills/alpha/deep/er/x.bin", "skills/new/SKILL.md", "commands/a.md", "README.md",
         "commands/git/sync.md", "hooks/h.json", "workflows/w/W.yaml", "collection.toml")  # fmt: skip
EDITS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(FILES), st.binary(max_size=40)),
        st.tuples(st.sampled_from(FILES), st.none()),
        st.tuples(st.sampled_from(("skills/alpha/out", "commands/link.md")), st.just("->../../../etc")),
        st.tuples(st.sampled_from(("skills/alpha", "skills", "commands")), st.just("rm")),
    ),
    max_size=8,
)


def apply(folder, edits):
    for path, content in edits:
        target = folder / path
        if content == "rm":
            shutil.rmtree(target, ignore_errors=True)
        elif content is None:
            target.unlink(missing_ok=True)
        elif not target.is_symlink():
            write(folder, {path: content})


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=EDITS, after=EDITS)
def test_restoring_gives_back_every_byte(before, after):
    """Fault 29 as well: a rollback that keeps what was edited since restores nothing."""
    shutil.rmtree(home().path, ignore_errors=True)
    home().path.mkdir()
    Collection.objects.all().delete()
    collection = filled()
    apply(folder_of(collection), before)
    row = take(collection)
    was = tree_of(folder_of(collection))
    apply(folder_of(collection), after)
    changed = tree_of(folder_of(collection))
    result = restore(collection, row)
    assert tree_of(folder_of(collection)) == was
    assert nothing_left(collection)
    assert bool(result.changed) == (changed != was)
    if result.safety_id:
        restore_snapshot(collection.slug, result.safety_id, **WHO)
        assert tree_of(folder_of(collection)) == changed


def test_a_restore_says_what_it_did_and_takes_a_safety_snapshot():
    collection = filled()
    row = take(collection, "before the storm")
    write(folder_of(collection), {"skills/alpha/SKILL.md": "edited"})
    dry = restore(collection, row, dry_run=True)
    assert (dry.changed, dry.safety_id) == (("skills/alpha",), None)
    result = restore(collection, row)
    assert result.changed == ("skills/alpha",)
    assert Snapshot.objects.get(pk=result.safety_id).reason == BEFORE_RESTORE
    assert restore(collection, row).changed == ()
    artifact_row = artifact(collection)
    index_collection("default", **WHO)
    assert artifact(collection).content_oid == artifact_row.content_oid


def test_a_folder_that_is_gone_altogether_comes_back():
    collection = filled()
    row, was = take(collection), tree_of(folder_of(collection))
    shutil.rmtree(folder_of(collection))
    assert restore(collection, row, dry_run=True).changed
    assert not folder_of(collection).exists()
    restore(collection, row)
    assert tree_of(folder_of(collection)) == was


def test_a_damaged_store_costs_nothing():
    """Fault 35: the collection is removed before the archive is opened; a corrupt one, and it is gone."""
    collection = filled()
    row = take(collection)
    write(folder_of(collection), {"skills/alpha/SKILL.md": "edited", "skills/beta/SKILL.md": None})
    was = tree_of(folder_of(collection))
    for pack in (home().history / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(b"PACK" + bytes(len(pack.read_bytes()) - 4))
    with pytest.raises(DomainError) as caught:
        restore(collection, row)
    assert caught.value.code == "history_damaged"
    assert tree_of(folder_of(collection)) == was
    assert nothing_left(collection)


def test_links_that_lead_out_are_given_back_and_never_followed(tmp_path):
    """Faults 35 and 51: archives with links and ``..`` write outside; links are followed when copying."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("mine")
    collection = filled()
    write(folder_of(collection), {"skills/alpha/out": f"->{tmp_path / 'outside'}", "commands/x.md": "->/etc/passwd"})
    row, was = take(collection), tree_of(folder_of(collection))
    assert was["skills/alpha/out"][0] == "link"
    shutil.rmtree(folder_of(collection) / "skills/alpha")
    (folder_of(collection) / "commands/x.md").unlink()
    restore(collection, row)
    assert tree_of(folder_of(collection)) == was
    assert (tmp_path / "outside" / "secret").read_text() == "mine"


def test_what_no_snapshot_holds_stops_a_restore():
    collection = filled()
    row = take(collection)
    write(folder_of(collection), {"skills/alpha/.git/config": "x", "skills/alpha/SKILL.md": "edited"})
    with pytest.raises(PathBlocked):
        restore(collection, row)
    assert (folder_of(collection) / "skills/alpha/.git/config").exists()


def test_nonsense_comes_back_as_it_was_and_the_row_says_so():
    collection = filled()
    write(folder_of(collection), {"collection.toml": "not = [toml"})
    row = take(collection)
    write(folder_of(collection), {"collection.toml": '[collection]\nname = "x"\n'})
    restore(collection, row)
    assert (folder_of(collection) / "collection.toml").read_text() == "not = [toml"
    collection.refresh_from_db()
    assert collection.problem_code == "manifest_invalid"


def test_names_of_collections_and_snapshots_lead_nowhere_else():
    """Fault 49: ``..`` as a name of a collection or a snapshot."""
    collection = filled()
    for slug in ("..", "a/b", "../default", "Default", "refresh-cache", ""):
        with pytest.raises(DomainError):
            create_collection(slug, **WHO)
    for name in ("../x", "..", "20260101-000000-000000"):
        with pytest.raises(NotFound):
            find_snapshot(collection, name)
    other = filled("other")
    with pytest.raises(NotFound):
        restore(collection, take(other))


def test_reasons_are_one_line():
    collection = filled()
    assert take(collection, " a\nb ").reason == "a b"
    assert take(collection).reason == "manual"
    with pytest.raises(InvalidParameter):
        take(collection, "x" * 101)


def test_a_disk_change_inside_a_transaction_is_refused():
    """Fault 36: files and records are steps of their own. The commit point must be a real commit."""
    with transaction.atomic(), pytest.raises(RuntimeError):
        create_collection("inner", **WHO)
    assert not (home().collection("inner")).exists()


def test_retention_bounds_the_snapshots(settings):
    """Fault 38: growth without bound."""
    settings.SKILLMEAT_SNAPSHOT_KEEP = 3
    collection = filled()
    rows = [take(collection, str(n)) for n in range(6)]
    orphan = SnapshotFactory(collection=collection)
    later = timezone.now() + timedelta(days=40)
    assert apply_retention(later).dropped == 4
    assert list(collection.snapshots.order_by("created_at")) == rows[3:]
    assert not Snapshot.objects.filter(pk=orphan.pk).exists()
    assert apply_retention(later).dropped == 0


def test_snapshots_of_a_deleted_collection_go_after_a_month():
    collection = filled()
    result = delete_collection("default", **WHO)
    assert (home().path / result.trash / "skills/alpha/SKILL.md").exists()
    assert not folder_of(collection).exists()
    assert not Collection.objects.exists()
    assert not Artifact.objects.exists()
    assert history().slugs() == ["default"]
    assert apply_retention(timezone.now() + timedelta(days=29)).forgotten == 0
    assert apply_retention(timezone.now() + timedelta(days=31)).forgotten == 1
    assert history().slugs() == []


def test_rows_of_finished_operations_go_after_a_day():
    filled()
    assert DiskOperation.objects.count() == 1
    kept = DiskOperation.objects.create()
    DiskOperation.objects.update(created_at=timezone.now() - timedelta(days=2))
    (home().journal / f"{kept.pk.hex}.json").write_text("{}")
    new = DiskOperation.objects.create()
    assert prune_operations(timezone.now() - timedelta(days=1)) == 1
    assert set(DiskOperation.objects.values_list("pk", flat=True)) == {kept.pk, new.pk}


def test_some_files_are_there():
    assert set(tree_of(folder_of(filled()))) == {*SOME, "collection.toml"}
