"""What going back costs in a collection of 1,000 artifacts, and what making an index again does."""

from __future__ import annotations

import time

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collections_app.models import Artifact, Collection
from collections_app.services.indexing import index_collection
from collections_app.services.snapshots import restore_snapshot, snapshot_collection
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.benchmarks.test_history_bench import collection, timed

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True)]
HOW = {"actor": COMMAND_LINE, "report": SilentReport()}


def test_restore_and_index_of_1_000_artifacts(record_figure):
    root = settings.SKILLMEAT_HOME / "collections" / "default"
    collection(root)
    (root / "collection.toml").unlink()
    Collection.objects.create(slug="default")
    took, _ = timed(lambda: index_collection("default", **HOW))
    assert Artifact.objects.count() == 1_000
    record_figure("index of 1,000 artifacts, all new", took, "s", 5)
    took, _ = timed(lambda: index_collection("default", **HOW))
    record_figure("index of 1,000 artifacts, unchanged", took, "s", 3)
    snapshot = snapshot_collection("default", **HOW).snapshot
    time.sleep(2.1)  # what was just written is read again
    changed = root / "skills/skill-500/SKILL.md"
    old = changed.read_text()
    changed.write_text("changed")
    took, result = timed(lambda: restore_snapshot("default", str(snapshot.pk), **HOW))
    assert changed.read_text() == old
    assert result.to_json()["changed"] == ["skills/skill-500"]
    record_figure("restore of 1 changed of 1,000 artifacts, with its safety snapshot", took, "s", 5)


def test_index_of_10_000_artifacts(record_figure):
    """Commands: one file each, so that the figure is about the index and not about the disk."""
    folder = settings.SKILLMEAT_HOME / "collections" / "default" / "commands"
    folder.mkdir(parents=True)
    for number in range(10_000):
        (folder / f"command-{number:05}.md").write_text(f"command {number}")
    Collection.objects.create(slug="default")
    index_collection("default", **HOW)
    assert Artifact.objects.count() == 10_000
    most = 120 if connection.vendor == "postgresql" else 500
    figures = (("unchanged", "unchanged_count", 2, 30), ("all changed", "updated_count", 8, most))
    for name, counted, seconds, statements in figures:
        if name == "all changed":
            for path in folder.iterdir():
                path.write_text(path.read_text() + " again")
        with CaptureQueriesContext(connection) as queries:
            took, result = timed(lambda: index_collection("default", **HOW))
        assert result.to_json()[counted] == 10_000
        record_figure(f"index of 10,000 artifacts, {name}", took, "s", seconds)
        record_figure(f"index of 10,000 artifacts, {name}", len(queries), "statements", statements)
