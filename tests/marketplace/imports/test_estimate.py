"""What the database alone foretells of an import is what its dry run says, and what the run then does."""

from __future__ import annotations

import pytest

from collections_app.domain.import_plan import Strategy
from collections_app.models import Artifact
from marketplace.models import CatalogEntry
from marketplace.services.bulk_import import import_entries, reimport_many
from marketplace.services.import_estimate import estimate_import, estimate_reimport
from marketplace.services.import_run import ImportOptions
from marketplace.services.reimport import ReimportOptions
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.conftest import skill, skills
from tests.marketplace.imports.importing import bring, ids
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db
WHO = {"actor": COMMAND_LINE, "report": SilentReport()}


def words(result):
    return [(row.object.id, row.outcome.value, row.code) for row in result.rows]


@pytest.mark.parametrize("strategy", Strategy)
def test_the_estimate_the_dry_run_and_the_run_agree(registered, strategy):
    """Two sources that share names, one name in the batch twice, one taken, a marketplace, an excluded entry."""
    marketplace = {".claude-plugin/marketplace.json": '{"name": "m", "plugins": []}'}
    first = {**skills("a", "b"), "other/skills/a/SKILL.md": skill("a", "Another"), **marketplace}
    _, one = registered(first, name="one")
    _, two = registered({**skills("b", "c", "d"), ".claude/commands/a.md": "Go.\n"}, name="two")
    CatalogEntry.objects.filter(source=two, name="d").update(excluded_at="2026-01-01T00:00:00Z")
    bring(one, ids(one, path="skills/a"))
    chosen = [*ids(two), *ids(one), 0]

    estimated = words(estimate_import(chosen, collection="default", strategy=strategy))
    asked = {"ids": chosen, **WHO}
    dry = words(import_entries(options=ImportOptions(strategy=strategy, dry_run=True), **asked))
    assert Artifact.objects.count() == 1
    done = words(import_entries(options=ImportOptions(strategy=strategy), **asked))
    assert dry == done
    assert estimated == done
    assert len({outcome for _, outcome, _ in done}) >= 2


def test_an_estimate_of_importing_anew(registered):
    repository, source = registered(skills("a", "b", "c", "d"))
    bring(source, ids(source)[:2])
    bring(source, ids(source)[1:2], collection="other")
    repository.commit({"skills/a/SKILL.md": skill("a", "New"), "skills/d/SKILL.md": None})
    scan(source)
    chosen = [*ids(source), 0]
    for collection in ("", "other"):
        estimated = words(estimate_reimport(chosen, collection=collection))
        dry = words(reimport_many(chosen, options=ReimportOptions(True, collection, dry_run=True), **WHO))
        assert estimated == dry
    assert words(estimate_reimport(chosen, collection=""))[1][2] == "collection_required"


def test_an_estimate_asks_the_database_a_few_times(registered, django_assert_num_queries):
    _, source = registered(skills(*(f"s{n}" for n in range(30))))
    chosen = ids(source)
    bring(source, chosen[:5])
    with django_assert_num_queries(3):
        estimate_import(chosen, collection="default", strategy=Strategy.SKIP)
    with django_assert_num_queries(2):
        estimate_reimport(chosen, collection="")
