"""Pages of files, differences and timelines cost the same number of statements for 3 files or moments and for 300.

``UPDATE_QUERY_COUNTS=1 pytest tests/architecture/test_content_query_counts.py -p no:xdist`` writes the numbers anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from collections_app.models import Artifact, Collection, Deployment, Snapshot
from collections_app.services.homes import home
from collections_app.services.snapshots import snapshot_collection
from marketplace.models import CatalogEntry
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from tests.baselines import assert_baseline, baseline
from tests.collections_app.admin.looking import page, place
from tests.collections_app.deploying import deploy
from tests.collections_app.filled import WHO, write
from tests.conftest import skills
from tests.factories.collections import SnapshotFactory
from tests.factories.core import JobFactory, UserFactory
from tests.factories.deployments import put_project
from tests.marketplace.imports.importing import bring
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db(transaction=True)
FEW, MANY = 3, 300


@dataclass
class World:
    """A skill that was imported, deployed, edited here and changed upstream, by ``number`` files each."""

    repository: Any
    source: Any

    def grow(self, number: int) -> None:
        folder = home().collection("default")
        write(folder, {f"skills/a/more/{n}.md": f"{n}\n" for n in range(number)})
        self.repository.commit({f"skills/a/up/{n}.md": f"{n}\n" for n in range(number)})
        scan(self.source)
        collection = Collection.objects.get()
        SnapshotFactory.create_batch(number, collection=collection, job=JobFactory(actor=UserFactory()))

    @property
    def artifact(self) -> Artifact:
        return Artifact.objects.get(name="a")

    @property
    def entry(self) -> CatalogEntry:
        return CatalogEntry.objects.get(name="a")


@pytest.fixture
def world(make_repository: Any, settings: Any, tmp_path: Path) -> World:
    repository = make_repository("toolbox", skills("a", "b"))
    source = create_source(url=repository.url, actor=COMMAND_LINE)
    scan(source)
    bring(source)
    snapshot_collection("default", **WHO)
    settings.SKILLMEAT_PROJECT_ROOTS = [tmp_path / "projects"]
    deploy(put_project(tmp_path / "projects", "web"), Artifact.objects.get(name="a"))
    return World(repository, source)


PAGES: dict[str, Callable[[World], str]] = {
    "artifact": lambda world: place("artifact", "change", world.artifact.pk),
    "artifact_files": lambda world: place("artifact", "files", world.artifact.pk),
    "artifact_compare": lambda world: place("artifact", "compare", world.artifact.pk),
    "artifact_history": lambda world: place("artifact", "history", world.artifact.pk),
    "deployment_compare": lambda world: place("deployment", "compare", Deployment.objects.get().pk),
    "entry_files": lambda world: place("catalogentry", "files", world.entry.pk, app="marketplace"),
    "entry_compare": lambda world: place("catalogentry", "compare", world.entry.pk, app="marketplace"),
    "snapshot": lambda world: place("snapshot", "change", Snapshot.objects.earliest("created_at").pk),
    "collection": lambda world: place("collection", "change", Collection.objects.get().pk),
    "collection_history": lambda world: place("collection", "history", Collection.objects.get().pk),
}


def statements(client: Client, url: str) -> list[str]:
    page(client, url)  # content types are asked for once in a process
    with CaptureQueriesContext(connection) as captured:
        page(client, url)
    return [query["sql"] for query in captured]


def test_pages_cost_the_same_however_much_there_is(admin_client: Client, world: World) -> None:
    world.grow(FEW)
    few = {name: statements(admin_client, url(world)) for name, url in PAGES.items()}
    world.grow(MANY)
    many = {name: statements(admin_client, url(world)) for name, url in PAGES.items()}
    found = {f"content:{name}": len(asked) for name, asked in many.items()}
    assert {f"content:{name}": len(asked) for name, asked in few.items()} == found
    for name, asked in many.items():
        assert_baseline(f"content:{name}", asked)
    assert {name for name in baseline() if name.startswith("content:")} == set(found)
    assert max(found.values()) <= 12
