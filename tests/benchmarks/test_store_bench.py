"""What going back costs in a collection of 1,000 artifacts, and what making an index again does."""

from __future__ import annotations

import shutil
import time

import pytest
from django.conf import settings
from django.db import connection

from collections_app.models import Artifact, Collection
from collections_app.services.homes import home
from collections_app.services.indexing import index_collection
from collections_app.services.snapshots import restore_snapshot, snapshot_collection
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.benchmarks.large import SLUG, put_collection
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


def test_index_of_10_000_artifacts(measured, record_figure, database):
    """With their records in collection.toml and collection.lock; and how it grows from a tenth of them."""
    most = 120 if connection.vendor == "postgresql" else 500
    took: dict[tuple[int, str], float] = {}
    for count in (1_000, 10_000):
        put_collection((f"skill-{number:05}", "https://github.com/acme/tools") for number in range(count))
        assert Artifact.objects.count() == count
        files = sorted(home().collection(SLUG).glob("skills/*/SKILL.md"))
        for name, counted, seconds, statements in (
            ("unchanged", "unchanged_count", 2, 30),
            ("all changed", "updated_count", 8, most),
        ):
            if name == "all changed":
                for path in files:
                    path.write_text(path.read_text() + " again")
            with measured() as cost:
                result = index_collection(SLUG, **HOW)
            assert result.to_json()[counted] == count
            took[count, name] = cost.cpu_seconds
            if count == 10_000:
                record_figure(f"index of 10,000 artifacts, {name}, {database}", cost.seconds, "s", seconds)
                record_figure(f"index of 10,000, {name}, {database}, processor time", cost.cpu_seconds, "s", seconds)
                record_figure(
                    f"index of 10,000 artifacts, {name}, {database}", len(cost.statements), "statements", statements
                )
                ratio = took[10_000, name] / took[1_000, name]
                record_figure(f"index of 10,000 as against 1,000, {name}, {database}", ratio, "times", 15)
        Collection.objects.all().delete()
        shutil.rmtree(home().collection(SLUG))
