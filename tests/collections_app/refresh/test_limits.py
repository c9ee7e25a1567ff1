"""GitHub's limits: told with their reset, the rest deferred, and taken up again by a retry. Requests are counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from collections_app.jobs import refresh
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import control, runner
from skillmeat_site.core.models import Job, UpstreamBudget
from tests.collections_app.refresh.refreshing import SLUG, check, import_all, run, statuses
from tests.conftest import Repository, skill, skills
from tests.fakes.github import GitHub
from tests.marketplace.scanning import scan
from tests.upstream.test_github_faults import refusal

pytestmark = pytest.mark.django_db(transaction=True)
LIMITED = refusal(403, "API rate limit exceeded", X_RateLimit_Remaining="0", X_RateLimit_Reset="1900000000")


@pytest.fixture
def two(hub: GitHub, on_github: Callable[..., Repository], settings: Any) -> dict[str, Repository]:
    """Two repositories on GitHub, imported."""
    settings.GITHUB_TOKEN = "secret"
    made = {}
    for name, names in (("acme/one", ("a1", "a2", "a3")), ("acme/two", ("b1", "b2"))):
        made[name] = on_github(skills(*names), name)
        source = create_source(url=f"{hub.url}/{name}", actor=COMMAND_LINE)
        scan(source)
        import_all(source)
    return made


def test_requests_grow_with_repositories(hub: GitHub, two: dict[str, Repository]) -> None:
    assert hub.count(check) <= 2 * 2
    two["acme/one"].commit({"skills/a1/SKILL.md": skill("a1", "New")})
    assert hub.count(check) <= 2 + 4


def test_a_limit_defers_the_rest_and_asks_no_more_fault_6(hub: GitHub, two: dict[str, Repository]) -> None:
    hub.always("/repos/", LIMITED)
    seen = []
    assert hub.count(lambda: seen.append(run())) == 2, "one question about both, and the first that is refused"
    result = seen[0].to_json()
    assert {row["code"] for row in result["details"]} == {"upstream_rate_limited"}
    assert result["summary"]["deferred"] == 5
    assert result["reset_at"]
    assert check()["up_to_date"] == 5, "the limit of the question about both is another one"


def test_a_retry_takes_up_what_was_deferred(hub: GitHub, two: dict[str, Repository]) -> None:
    for repository, name in ((two["acme/one"], "a1"), (two["acme/two"], "b1")):
        repository.commit({f"skills/{name}/SKILL.md": skill(name, "New")})
    hub.always("/repos/acme/two", LIMITED)
    job = runner.run_inline(refresh, {"slug": SLUG}, COMMAND_LINE).job
    assert (job.status, job.items.filter(outcome="deferred").count()) == ("partial", 2)
    hub.behave()
    UpstreamBudget.objects.update(cooldown_until=timezone.now() - timedelta(seconds=1))  # the limit is reset
    retried = control.retry(job, actor=COMMAND_LINE)
    assert len(retried.params["filters"]["ids"]) == 2
    runner.deliver(str(retried.pk))
    assert Job.objects.get(pk=retried.pk).status == "succeeded"
    assert set(statuses(run()).values()) == {"unchanged"}
