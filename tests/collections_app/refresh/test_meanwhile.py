"""Somebody edits the collection while a refresh asks upstream: nobody's word is lost, and nothing comes back."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from collections_app.domain.refresh_options import RefreshOptions
from collections_app.models import Snapshot
from collections_app.services.refreshing import BEFORE_REFRESH, refresh_collection, rollback_refresh
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.refresh.refreshing import SLUG, SYNC, detail, every_byte, folder, run
from tests.conftest import Repository, skill

pytestmark = pytest.mark.django_db(transaction=True)

UPSTREAM = "skills/alpha/SKILL.md"


class Meanwhile(SilentReport):
    """Does something once, when upstream is asked: the collection has been read, and nothing is written yet."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.act, self.done = act, False

    def progress(self, done: int, total: int, label: str = "") -> None:
        super().progress(done, total, label)
        if not self.done and label.startswith("file:"):
            self.done = True
            self.act()


def refresh_while(act: Callable[[], object], **said: Any) -> dict[str, Any]:
    report = Meanwhile(act)
    result = refresh_collection(SLUG, RefreshOptions.of(said), actor=COMMAND_LINE, report=report)
    assert report.done
    return {row["name"]: row for row in result.to_json()["details"]}


def records() -> dict[str, dict[str, Any]]:
    found = tomllib.loads((folder() / "collection.toml").read_text())["artifacts"]
    return {record["name"]: record for record in found}


def edit(old: str, new: str) -> None:
    manifest = folder() / "collection.toml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("said", [{}, SYNC], ids=["metadata", "sync"])
def test_an_edit_of_the_very_record_is_kept(repository: Repository, said: dict[str, Any]) -> None:
    repository.commit({UPSTREAM: "---\nname: alpha\ndescription: from upstream\n---\nx\n"})
    rows = refresh_while(lambda: edit('title = "alpha"', 'title = "My own title"'), **said)
    assert (rows["alpha"]["status"], rows["alpha"]["code"]) == ("error", "changed_on_disk")
    assert records()["alpha"]["metadata"]["title"] == "My own title"

    assert detail(run(**said), "alpha")["status"] == "refreshed"
    told = records()["alpha"]["metadata"]
    assert (told["title"], told["description"]) == ("My own title", "from upstream")


def test_an_edit_of_another_record_is_kept_and_stops_nothing(repository: Repository) -> None:
    repository.commit({UPSTREAM: "---\nname: alpha\ndescription: from upstream\n---\nx\n"})
    rows = refresh_while(lambda: edit('title = "beta"', 'title = "My beta"'))
    assert rows["alpha"]["status"] == "refreshed"
    assert records()["beta"]["metadata"]["title"] == "My beta"
    assert records()["alpha"]["metadata"]["description"] == "from upstream"


def test_what_was_removed_by_hand_does_not_come_back(repository: Repository) -> None:
    repository.commit({UPSTREAM: skill("alpha", "New")})

    def remove() -> None:
        manifest = folder() / "collection.toml"
        head, *blocks = manifest.read_text().split("[[artifacts]]")
        left = [block for block in blocks if 'name = "alpha"' not in block]
        manifest.write_text("[[artifacts]]".join([head, *left]))
        shutil.rmtree(folder() / "skills" / "alpha")

    rows = refresh_while(remove, **SYNC)
    assert (rows["alpha"]["status"], rows["alpha"]["code"]) == ("error", "changed_on_disk")
    assert "alpha" not in records()
    assert not (folder() / "skills" / "alpha").exists()


def test_a_refresh_of_which_nothing_came_about_leaves_no_snapshot_to_go_back_to(repository: Repository) -> None:
    before = every_byte()
    repository.commit({"skills/beta/SKILL.md": skill("beta", "New")})
    run(**SYNC)
    repository.commit({UPSTREAM: skill("alpha", "New")})
    path = folder() / "skills" / "alpha" / "SKILL.md"
    mine = path.read_bytes()
    rows = refresh_while(lambda: path.write_text("edited this very moment"), **SYNC)
    assert rows["alpha"]["code"] == "changed_on_disk"
    assert Snapshot.objects.filter(reason=BEFORE_REFRESH).count() == 1
    path.write_bytes(mine)
    rollback_refresh(SLUG, actor=COMMAND_LINE, report=SilentReport())
    assert every_byte() == before
