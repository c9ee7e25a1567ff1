"""The pure rules: how long a reading holds, what is other, what becomes of a folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache_app.domain.discovery_plan import Fate, Remembered, Seen, fate
from cache_app.domain.freshness import age_seconds, is_stale
from cache_app.domain.pruning import is_entered, is_marked
from cache_app.domain.readings import ChangeKind, Item, count, diff

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TTL = timedelta(minutes=360)


@pytest.mark.parametrize(
    ("age", "stale"),
    [(None, True), (0, False), (359, False), (360, True), (10_000, True), (-1, True)],
    ids=["never", "now", "just below", "at the end", "old", "from the future"],
)
def test_a_reading_holds_for_the_ttl(age, stale):
    """A clock moved back makes readings from the future: their age is unknown, so they are read again."""
    fetched = None if age is None else NOW - timedelta(minutes=age)
    assert is_stale(fetched, NOW, TTL) is stale


def test_a_ttl_of_nothing_holds_nothing():
    assert is_stale(NOW, NOW, timedelta())


def test_a_schedule_looks_ahead():
    """At a tick every six hours the last reading is a little younger than six hours: it is due all the same."""
    fetched = NOW - timedelta(hours=6) + timedelta(seconds=20)
    assert not is_stale(fetched, NOW, TTL)
    assert is_stale(fetched, NOW, TTL, ahead=timedelta(hours=6))
    assert not is_stale(fetched, NOW, timedelta(hours=24), ahead=timedelta(hours=6))


def test_an_age_is_never_negative():
    assert age_seconds(None, NOW) is None
    assert age_seconds(NOW - timedelta(seconds=5.9), NOW) == 5
    assert age_seconds(NOW + timedelta(days=1), NOW) == 0


items = st.builds(
    Item,
    profile=st.sampled_from(["claude_code", "codex"]),
    type=st.sampled_from(["skill", "agent"]),
    name=st.sampled_from("abc"),
    target=st.just("t"),
    state=st.sampled_from(["in_sync", "modified"]),
    project_oid=st.sampled_from([None, "1", "2"]),
)
readings = st.lists(items, unique_by=lambda item: item.identity)


@given(readings, readings)
def test_changes_lead_from_one_reading_to_the_other(before, after):
    changes = diff(7, before, after)
    old, new = {item.identity: item for item in before}, {item.identity: item for item in after}
    assert len([one for one in changes if one.change is ChangeKind.ADDED]) == len(new.keys() - old.keys())
    assert len([one for one in changes if one.change is ChangeKind.REMOVED]) == len(old.keys() - new.keys())
    both = old.keys() & new.keys()
    changed = [identity for identity in both if old[identity] != new[identity]]
    assert len([one for one in changes if one.change is ChangeKind.CHANGED]) == len(changed)
    assert diff(7, after, after) == ()
    assert all(one.to_json().keys() == {"project", "type", "name", "change"} for one in changes)


@given(readings)
def test_a_reading_survives_its_row(found):
    assert [Item.of(item.to_json()) for item in found] == found
    assert sum(count(found)["types"].values()) == sum(count(found)["states"].values()) == len(found)


@pytest.mark.parametrize("name", ["node_modules", ".git", ".venv", "venv", "__pycache__", ".cache"])
def test_some_folders_are_never_entered(name):
    assert not is_entered(name)


@pytest.mark.parametrize("name", ["build", "dist", "src", "target", "vendor", "projects", "Node_Modules"])
def test_people_keep_projects_elsewhere(name):
    assert is_entered(name)


def test_a_virtual_environment_and_a_cache_say_what_they_are():
    assert is_marked({"bin", "pyvenv.cfg"})
    assert is_marked({"CACHEDIR.TAG"})
    assert not is_marked({"bin", "lib"})


KNOWN = [
    None if known is None else Remembered(*known)
    for known in (None, *product(("", "f1", "f2"), (False, True), (False, True)))
]


@pytest.mark.parametrize("seen", Seen)
@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_every_folder_has_a_fate(seen, known):
    end = fate(seen, "f1", known)
    assert (end is Fate.ERROR) == (seen is Seen.UNKNOWN)  # unreadable is not gone
    if known is None:
        assert end in (Fate.ADDED, Fate.ERROR)
    elif seen is Seen.GONE:
        assert end is Fate.REMOVED
    elif seen is Seen.FOLDER:
        assert (end is Fate.REMOVED) == known.discovered  # who registered a folder wanted it without a record
    elif seen is Seen.PROJECT:
        same = known.fingerprint == "f1" if known.fingerprint else known.rows_agree
        assert end is (Fate.UNCHANGED if same else Fate.CHANGED)
