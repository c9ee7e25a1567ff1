"""What going back costs in a collection of 1,000 artifacts, and what making its index again does."""

from __future__ import annotations

import time

import pytest
from django.conf import settings

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
