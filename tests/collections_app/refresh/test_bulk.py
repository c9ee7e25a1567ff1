"""Several collections at once: one that ended only in part has not ended well, and is taken up again."""

from __future__ import annotations

from typing import Any

import pytest

from collections_app.jobs import bulk_refresh
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import control, runner
from skillmeat_site.core.models import Job
from skillmeat_site.upstream.errors import UpstreamRateLimited
from tests.collections_app.refresh.refreshing import SLUG, SYNC, run, skill_path
from tests.conftest import Repository, skill
from tests.marketplace.commanding import manage

pytestmark = pytest.mark.django_db(transaction=True)


def ended(**said: Any) -> tuple[Job, list[tuple[str, str]]]:
    job = runner.run_inline(bulk_refresh, {"slugs": [SLUG], **said}, COMMAND_LINE).job
    assert job is not None
    return job, list(job.items.values_list("outcome", "code"))


def test_one_artifact_that_failed(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": None, "skills/beta/SKILL.md": skill("beta", "New")})
    job, items = ended(**SYNC)
    assert (job.status, items) == ("partial", [("failed", "upstream_path_not_found")])
    again = control.retry(job, actor=COMMAND_LINE)
    assert again.params["slugs"] == [SLUG]


def test_all_that_was_deferred(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def limited(address: object) -> object:
        raise UpstreamRateLimited("used up")

    monkeypatch.setattr("collections_app.services.refresh_upstream.provider_at", limited)
    job, items = ended(mode="check_only")
    assert (job.status, items) == ("partial", [("deferred", "upstream_rate_limited")])
    assert control.retry(job, actor=COMMAND_LINE).params["slugs"] == [SLUG]


def test_a_conflict_is_for_a_person(repository: Repository) -> None:
    skill_path("alpha").write_text(skill("alpha", "Mine"))
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "Theirs")})
    job, items = ended(strategy="merge", **SYNC)
    assert (job.status, items) == ("partial", [("conflict", "conflict")])


def test_what_went_well(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    job, items = ended(**SYNC)
    assert (job.status, items) == ("succeeded", [("updated", "")])
    assert ended(**SYNC)[1] == [("unchanged", "")]


def test_the_command_says_the_same(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": None, "skills/beta/SKILL.md": skill("beta", "New")})
    said = manage("refresh_collection", "--sync", "--json")
    assert said.code == 1
    assert (said.json["summary"]["failed"], said.json["results"][0]["outcome"]) == (1, "failed")
    assert run(**SYNC).to_json()["error_count"] == 1
