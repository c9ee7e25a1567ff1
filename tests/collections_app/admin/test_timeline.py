"""The timeline of a collection, the history of an artifact, and what a snapshot changed."""

from __future__ import annotations

import shutil
import uuid

import pytest

from collections_app.models import Snapshot
from collections_app.services.homes import home
from collections_app.services.snapshots import snapshot_collection
from collections_app.services.timeline import moments, versions_of
from tests.collections_app.admin.looking import page, place, words
from tests.collections_app.filled import SKILL, WHO, artifact, filled, folder_of, write
from tests.factories.collections import SnapshotFactory
from tests.factories.core import JobFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def taken(reason: str) -> Snapshot:
    found = snapshot_collection("default", reason=reason, **WHO).snapshot
    assert found is not None
    return found


@pytest.fixture
def story(db):
    """Three moments: as filled; alpha edited, beta removed, delta added; only the collection's own file changed."""
    collection = filled()
    rows = [taken("first")]
    folder = folder_of(collection)
    write(folder, {"skills/alpha/SKILL.md": SKILL + "More.\n", "skills/delta/SKILL.md": SKILL})
    shutil.rmtree(folder / "skills/beta")
    rows.append(taken("edits"))
    write(folder, {"collection.toml": (folder / "collection.toml").read_text() + "\n# a remark\n"})
    rows.append(taken("remark"))
    return collection, rows


def test_moments(story):
    _, rows = story
    newest, edits, first = moments(rows[::-1], None)
    assert (newest.added, newest.changed, newest.removed) == ((), (), ())
    assert (edits.added, edits.changed, edits.removed) == (("skills/delta",), ("skills/alpha",), ("skills/beta",))
    assert set(first.added) == {"skills/alpha", "skills/beta", "commands/git/sync.md"}
    assert (first.previous, edits.previous, newest.previous) == (None, rows[0], rows[1])
    assert edits.actor == WHO["actor"].name
    assert (edits.named, edits.more) == (("skills/alpha", "skills/delta", "skills/beta"), 0)
    assert moments([], None) == []


def test_a_page_of_moments_starts_from_the_one_before(story):
    _, rows = story
    (edits,) = moments([rows[1]], rows[0])
    assert edits.changed == ("skills/alpha",)


def test_the_timeline_tells_who_what_why(admin_client, story):
    collection, rows = story
    job = JobFactory(label="Sync default", actor=UserFactory(username="ann"))
    Snapshot.objects.filter(pk=rows[1].pk).update(job=job)
    for url in (place("collection", "change", collection.pk), place("collection", "history", collection.pk)):
        shown = page(admin_client, url)
        said = words(shown)
        assert "edits by ann Sync default" in said
        assert "+1 artifacts added ~1 changed −1 removed skills/alpha, skills/delta, skills/beta" in said
        assert "no artifact changed" in said
        assert place("snapshot", "do", rows[0].pk, "restore") in shown
        assert f"{place('snapshot', 'change', rows[1].pk)}?against=previous" in shown
        assert said.index("remark") < said.index("edits") < said.index("first")


def test_a_timeline_has_pages(admin_client, story):
    collection, _ = story
    for number in range(30):
        taken(f"more-{number:02}")
    first = words(page(admin_client, place("collection", "history", collection.pk)))
    second = words(page(admin_client, place("collection", "history", collection.pk), page="2"))
    assert "more-29" in first
    assert "more-05" in first
    assert "more-04" not in first
    assert "page 1 of 2" in first
    assert "more-04" in second
    assert second.count("no artifact changed") == 6
    assert "All snapshots" in page(admin_client, place("collection", "change", collection.pk))


def test_a_snapshot_that_the_store_lost_is_told_and_the_others_stand(admin_client, story):
    collection, rows = story
    SnapshotFactory(collection=collection, key="20990101-000000-000000", reason="lost one")
    said = words(page(admin_client, place("collection", "history", collection.pk)))
    assert "lost one" in said
    assert "not_found" in said
    assert "no artifact changed" in said
    shutil.rmtree(home().history / "objects")
    assert "history_damaged" in words(page(admin_client, place("collection", "history", collection.pk)))
    assert "history_damaged" in words(page(admin_client, place("snapshot", "change", rows[0].pk)))


def test_the_pages_of_a_snapshot(admin_client, story):
    collection, rows = story
    url = place("snapshot", "change", rows[1].pk)
    changed = page(admin_client, url, against="previous")
    assert "3 files differ" in words(changed)
    assert "skills/beta/SKILL.md" in changed
    below = page(admin_client, url, against="previous", below="skills/alpha")
    assert "1 file differs" in words(below)
    assert "+ More." in words(below)
    assert "skills/beta/SKILL.md" not in below
    assert "collection.toml" in page(admin_client, url)  # to now
    assert "the two are the same" in page(admin_client, url, against=str(rows[1].pk))
    assert "skills/alpha/SKILL.md" in page(admin_client, url, against=str(rows[0].pk))
    assert "What it holds: it is the first" in words(page(admin_client, place("snapshot", "change", rows[0].pk)))
    assert "not_found" in page(admin_client, url, against=str(uuid.uuid4()))
    assert "not_found" in page(admin_client, url, against="../../etc")
    assert "not_found" in page(admin_client, url, against="a\0b")
    shutil.rmtree(folder_of(collection))
    assert "not_found" in page(admin_client, url)


def test_moved_files_are_told_as_renamed(admin_client):
    collection = filled()
    row = taken("before")
    folder = folder_of(collection)
    (folder / "skills/alpha/run.sh").rename(folder / "skills/alpha/go.sh")
    said = words(page(admin_client, place("snapshot", "change", row.pk)))
    assert "1 file differs" in said
    assert "skills/alpha/run.sh → skills/alpha/go.sh renamed" in said


def test_a_huge_difference_is_cut_and_has_pages(admin_client):
    collection = filled()
    row = taken("before")
    lines = "".join(f"line {number}\n" for number in range(5_000))
    write(folder_of(collection), {"skills/alpha/big.txt": lines})
    shown = page(admin_client, place("snapshot", "change", row.pk))
    assert "line 299<" in shown
    assert "line 300<" not in shown
    assert "4,700 lines are not shown. All of this file" in words(shown)
    alone = {"path": "skills/alpha/big.txt", "against": "now"}
    first = page(admin_client, place("snapshot", "change", row.pk), **alone)
    last = page(admin_client, place("snapshot", "change", row.pk), **alone, lines="3")
    assert "line 1999<" in first
    assert "3,000 lines are not shown" in words(first)
    assert "page 1 of 3" in words(first)
    assert ("line 4999<" in last, "line 3999<" in last) == (True, False)
    assert "It does not differ" in page(admin_client, place("snapshot", "change", row.pk), path="no/such")


HOSTILE = "<script>alert(1)<\u202e>.md"


def test_hostile_names_and_reasons(admin_client):
    collection = filled()
    row = taken("<script>alert(2)</script>")
    folder = folder_of(collection)
    write(folder, {"skills/alpha/" + HOSTILE.replace("/", ""): "x", "skills/alpha/SKILL.md": "</table><script>3"})
    (folder / "skills/alpha").joinpath(b"\xff\xfe.txt".decode(errors="surrogateescape")).write_text("x")
    for url in (place("snapshot", "change", row.pk), place("collection", "history", collection.pk)):
        for view in ("unified", "split"):
            shown = page(admin_client, url, view=view)
            assert "<script>alert" not in shown
            assert "<script>3" not in shown
            assert "\u202e" not in shown
    assert r"\udcff\udcfe.txt" in page(admin_client, place("snapshot", "change", row.pk))


def test_the_history_of_an_artifact(admin_client, story):
    collection, rows = story
    alpha = artifact(collection)
    versions, more = versions_of(alpha)
    assert [(each.snapshot, each.was_there) for each in versions] == [(rows[1], True), (rows[0], False)]
    assert not more
    shown = page(admin_client, place("artifact", "history", alpha.pk))
    assert words(shown).count("changed") == 1
    assert f"{place('snapshot', 'change', rows[1].pk)}?against=previous&amp;below=skills%2Falpha" in shown
    beta = artifact(collection, "beta")
    gone, _ = versions_of(beta)
    assert [(each.oid == "", each.was_there) for each in gone] == [(True, True), (False, False)]
    assert "removed" in words(page(admin_client, place("artifact", "history", beta.pk)))


def test_who_may_not_look_at_snapshots_sees_none(client, story):
    collection, rows = story
    client.force_login(UserFactory(permissions=["collections_app.view_collection", "collections_app.view_artifact"]))
    assert client.get(place("artifact", "history", artifact(collection).pk)).status_code == 403
    assert "edits" not in page(client, place("collection", "change", collection.pk))
    assert "edits" not in page(client, place("collection", "history", collection.pk))
    assert client.get(place("snapshot", "change", rows[0].pk)).status_code == 403
    client.force_login(UserFactory(permissions=["collections_app.view_collection", "collections_app.view_snapshot"]))
    shown = page(client, place("collection", "history", collection.pk))
    assert "edits" in shown
    assert "/do/restore/" not in shown
    client.logout()
    assert client.get(place("collection", "history", collection.pk)).status_code == 302
