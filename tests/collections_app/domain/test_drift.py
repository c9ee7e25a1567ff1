"""The state of a deployment: the whole table."""

from itertools import product

import pytest

from collections_app.domain.drift import DriftState, drift_state

A, B, C = "a" * 40, "b" * 40, "c" * 40
TABLE = {
    # deployed, on disk, in the collection
    (A, A, A): "in_sync",
    (A, A, B): "outdated",
    (A, A, None): "unknown",
    (A, B, A): "modified",
    (A, B, None): "modified",
    (A, B, B): "in_sync",  # the same edit on both sides
    (A, B, C): "conflict",
    (A, None, A): "missing",
    (A, None, B): "missing",
    (A, None, None): "missing",
    (None, A, A): "in_sync",
    (None, A, B): "unknown",
    (None, A, None): "unknown",
    (None, None, A): "missing",
    (None, None, None): "missing",
}


COMBINATIONS = list(product((None, A, B, C), repeat=3))


def renamed(ids):
    """The same pattern of equal and different ids, in letters by order of appearance."""
    seen = dict.fromkeys(one for one in ids if one is not None)
    letters = dict(zip(seen, (A, B, C), strict=False))
    return tuple(one and letters[one] for one in ids)


@pytest.mark.parametrize("ids", COMBINATIONS, ids=lambda ids: "-".join(one[0] if one else "0" for one in ids))
def test_every_combination(ids):
    deployed, on_disk, in_collection = ids
    state = drift_state(deployed=deployed, on_disk=on_disk, in_collection=in_collection)
    assert state == DriftState(TABLE[renamed(ids)])


def test_every_state_occurs_and_the_table_is_whole():
    assert set(TABLE.values()) == set(DriftState)
    assert {renamed(ids) for ids in COMBINATIONS} == set(TABLE)


@pytest.mark.parametrize("ids", list(TABLE), ids=str)
def test_a_disk_that_cannot_be_read(ids):
    deployed, _, in_collection = ids
    state = drift_state(deployed=deployed, on_disk=None, in_collection=in_collection, readable=False)
    assert state is DriftState.UNKNOWN
