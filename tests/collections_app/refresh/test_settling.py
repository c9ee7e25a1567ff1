"""What a refresh notes although it touches no file: the base of a merge, what upstream wrote, where it moved."""

from __future__ import annotations

import re

import pytest

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.services.artifacts import edit_artifacts
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.refresh.refreshing import (
    SYNC,
    artifact,
    check,
    detail,
    every_byte,
    folder,
    run,
    skill_path,
    states,
)
from tests.conftest import Repository

pytestmark = pytest.mark.django_db(transaction=True)

UPSTREAM = "skills/alpha/SKILL.md"


def document(body: str = "Body\n", description: str = "Does things") -> str:
    return f"---\nname: alpha\ndescription: {description}\ntags: [one, two]\n---\n{body}"


@pytest.mark.parametrize("strategy", ["abort", "ours", "theirs", "merge"])
def test_an_edit_that_upstream_took_over_is_no_conflict_ever_after(repository: Repository, strategy: str) -> None:
    """Somebody edits here, sends it upstream, and it is merged there: from then on nothing is edited here."""
    repository.commit({UPSTREAM: document("a\nb\nc\n")})
    run(**SYNC)
    skill_path("alpha").write_text(document("a\nb\nours\n"))
    repository.commit({UPSTREAM: document("a\nb\nours\n")})
    row = detail(run(**SYNC), "alpha")
    assert (row["status"], row["changes"]) == ("refreshed", ["base"])
    assert row["new_values"] == {"base": artifact("alpha").content_oid}
    assert artifact("alpha").base_oid == artifact("alpha").content_oid

    before = every_byte()
    assert run(**SYNC).to_json()["refreshed_count"] == 0
    assert every_byte() == before

    repository.commit({UPSTREAM: document("a\nb\ntheirs\n")})
    assert states(check())["alpha"] == "update_available"
    assert detail(run(strategy=strategy, **SYNC), "alpha")["status"] == "refreshed"
    assert skill_path("alpha").read_text() == document("a\nb\ntheirs\n")


def test_the_base_that_was_settled_serves_the_next_merge(repository: Repository) -> None:
    repository.commit({UPSTREAM: document("a\nb\nc\nd\ne\n")})
    run(**SYNC)
    skill_path("alpha").write_text(document("A\nb\nc\nd\ne\n"))
    repository.commit({UPSTREAM: document("A\nb\nc\nd\ne\n")})
    run(**SYNC)
    skill_path("alpha").write_text(document("A!\nb\nc\nd\ne\n"))
    repository.commit({UPSTREAM: document("A\nb\nc\nd\nE\n")})
    assert detail(run(strategy="merge", **SYNC), "alpha")["status"] == "refreshed"
    assert skill_path("alpha").read_text() == document("A!\nb\nc\nd\nE\n")


def test_a_record_without_a_base_gets_one_where_it_equals_upstream(repository: Repository) -> None:
    """As SkillMeat 1.x left it."""
    manifest = folder() / "collection.toml"
    manifest.write_text(re.sub(r"^(base_oid|resolved_sha|content_oid) = .*\n", "", manifest.read_text(), flags=re.M))
    assert detail(run(**SYNC), "alpha")["changes"] == ["base"]
    repository.commit({UPSTREAM: document("new\n")})
    assert detail(run(**SYNC), "alpha")["status"] == "refreshed"
    assert skill_path("alpha").read_text() == document("new\n")


def test_what_upstream_wrote_is_known_after_a_move_of_an_edited_one(repository: Repository) -> None:
    repository.commit({UPSTREAM: document()})
    run(**SYNC)
    pk = artifact("alpha").pk
    untag = ArtifactEdit.of({"remove_tags": ["two"]})
    edit_artifacts([pk], untag, actor=COMMAND_LINE, report=SilentReport())
    skill_path("alpha").write_text("Mine")
    repository.commit({UPSTREAM: None, "other/alpha/SKILL.md": document()})
    assert detail(run(**SYNC), "alpha")["changes"] == ["path"]
    repository.commit({"other/alpha/SKILL.md": document(description="New words")})
    assert detail(run(), "alpha")["changes"] == ["description"]
    assert artifact("alpha").tags == ["one"]


def test_a_tag_taken_out_of_the_file_by_hand_stays_out_after_a_move(repository: Repository) -> None:
    repository.commit({UPSTREAM: document()})
    run(**SYNC)
    manifest = folder() / "collection.toml"
    before = manifest.read_text()
    manifest.write_text(before.replace('tags = ["one", "two"]', 'tags = ["one"]'))
    assert manifest.read_text() != before
    skill_path("alpha").write_text("Mine")
    repository.commit({UPSTREAM: None, "other/alpha/SKILL.md": document()})
    run(**SYNC)
    run()
    assert artifact("alpha").tags == ["one"]
