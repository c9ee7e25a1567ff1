"""What an import costs: a thousand skills from one local mirror, and what a second and an edited one cost."""

from __future__ import annotations

import pytest

from marketplace.jobs import import_source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from tests.conftest import skills
from tests.marketplace.scanning import scan

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True)]

SKILLS = 1_000
NAMES = [f"skill-{n:04}" for n in range(SKILLS)]


def test_importing_a_thousand_skills(make_repository, measured, record_figure, database):
    source = create_source(url=make_repository("large", skills(*NAMES)).url, actor=COMMAND_LINE)
    scan(source)
    ids = list(source.entries.order_by("pk").values_list("pk", flat=True))

    def run(strategy: str) -> dict:
        params = {"source_id": source.pk, "ids": ids, "strategy": strategy}
        return runner.run_inline(import_source, params, COMMAND_LINE).unwrap().to_json()

    for label, strategy, outcome, statements in (
        ("import", "skip", "created", 4 * SKILLS),
        ("second import", "skip", "skipped", 100),
        ("import over it", "overwrite", "updated", 4 * SKILLS),
    ):
        with measured() as cost:
            assert run(strategy)["summary"][outcome] == SKILLS
        name = f"{label} of 1,000 skills, {database}"
        record_figure(name, cost.seconds, "s", 20 if strategy == "skip" else None)
        record_figure(f"{name}, own processor time", cost.cpu_seconds, "s", None)
        record_figure(f"{name}, SQL", len(cost.statements), "statements", statements)
        record_figure(f"{name}, git", cost.git_calls, "processes", 6)
