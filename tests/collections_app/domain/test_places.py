"""No two artifacts at one path of a collection, and none inside another."""

from __future__ import annotations

import pytest

from collections_app.domain.places import Places


@pytest.mark.parametrize(
    ("path", "holder"),
    [
        ("skills/a", "a"),
        ("skills/a/b", "a"),
        ("skills/a/b/c", "a"),
        ("skills", "a"),
        ("skills/ab", None),
        ("commands/git.md", None),
        ("commands/git/sync.md", "sync"),
        ("commands/git", "sync"),
        ("commands/git/sync.md2", None),
    ],
)
def test_whose_a_path_is(path, holder):
    assert Places({"skills/a": "a", "commands/git/sync.md": "sync"}).holder(path) == holder
    assert Places().holder(path) is None
