"""The calls of the specification: ImportCoordinator.import_entries and import_from_catalog."""

from __future__ import annotations

import pytest

from marketplace.services.import_coordinator import ImportCoordinator, import_from_catalog
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import InvalidParameter, NotFound
from tests.conftest import skills
from tests.marketplace.imports.importing import agree, folder, git, ids, on_disk, statuses
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db


def test_ids_rows_and_mappings(registered):
    repository, source = registered(skills("a", "b", "c"))
    git(repository, "tag", "v1")
    one, two, three = source.entries.order_by("path")
    result = ImportCoordinator().import_entries([one.pk, two, {"id": three.pk}], source.pk, "SKIP", source_ref="v1")
    assert statuses(result) == [("success", "a"), ("success", "b"), ("success", "c")]
    assert (result.import_id, result.source_id) == ("", source.pk)
    again = import_from_catalog([one], source.pk, "rename", folder())
    assert statuses(again) == [("success", "a-1")]
    other = import_from_catalog([one], source.pk, collection_path="other")
    assert statuses(other) == [("success", "a")]
    assert on_disk("other") == ["skills/a/SKILL.md"]
    agree()
    agree("other")


def test_what_is_refused(registered, tmp_path):
    _, source = registered(skills("a"))
    with pytest.raises(InvalidParameter, match="did you mean 'rename'"):
        import_from_catalog(ids(source), source.pk, "renam")
    with pytest.raises(NotFound):
        import_from_catalog([1], 999)
    with pytest.raises(InvalidParameter, match="collection_path"):
        import_from_catalog(ids(source), source.pk, collection_path=tmp_path / "elsewhere")
    with pytest.raises(InvalidParameter, match="number"):
        import_from_catalog(["a"], source.pk)


def test_what_an_import_costs(registered, django_assert_max_num_queries):
    """The number of statements is one per chunk and import, not per artifact."""
    _, source = registered(skills(*(f"s{n:02}" for n in range(40))))
    with django_assert_max_num_queries(40):
        assert import_from_catalog(ids(source), source.pk).to_json()["success_count"] == 40


@pytest.mark.parametrize("token", ["", "good"], ids=["git", "api"])
def test_over_http_one_batch_is_few_requests(hub, on_github, settings, token):
    """Reference 7.31: one request per file."""
    settings.GITHUB_TOKEN = token
    files = {f"skills/s{n:02}/{name}": f"{n} {name}" for n in range(30) for name in ("a.md", "b.md")}
    on_github({**skills(*(f"s{n:02}" for n in range(30))), **files})
    source = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    scan(source)
    before = len(hub.requests)
    assert import_from_catalog(ids(source), source.pk).to_json()["success_count"] == 30
    assert len(hub.requests) - before <= 3
    agree()
