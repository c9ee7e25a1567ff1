"""Real answers against the published description: no key missing, none that it does not tell of."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS30Validator

from tests.conftest import skill, skills
from tests.marketplace.answers import BASE, ok

pytestmark = pytest.mark.django_db

CONTRACT = {
    "ScanResult": "source_id outcome artifacts_found new_count updated_count removed_count unchanged_count "
    "duplicates_within_source duplicates_cross_source total_detected total_unique scan_duration_ms scanned_at commit "
    "listing_complete short_circuit moved updated_imports warnings dry_run",
    "Source": "id url ref resolved_ref root_hint provider host owner name tags auto_tags path_tags manual_map "
    "single_artifact_type trust_level enabled scan_interval head_commit last_scanned_at last_success_at last_error "
    "counts archived health next_scan_at",
    "SourceTag": "value normalized status last_seen_at gone_at",
    "Entry": "id source_id type name namespace path status content_oid commit confidence basis signals title "
    "description tags warnings excluded excluded_reason duplicate_of plugin moved_from",
    "Job": "id kind label status progress result error trigger actor parent attempt created_at started_at finished_at",
    "JobItem": "id object outcome code message duration_ms",
    "BulkResult": "results summary",
    "Problem": "type title status detail code errors request_id",
}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The OpenAPI description, as ``docs/openapi.yaml`` holds it."""
    return nullable_as_meant(SchemaGenerator().get_schema(request=None, public=True))


def nullable_as_meant(schema: Any) -> Any:
    """``allOf: [$ref], nullable: true`` is how OpenAPI 3.0 generators say "this object or null"; its rules do not."""
    if isinstance(schema, list):
        return [nullable_as_meant(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: nullable_as_meant(part) for name, part in schema.items()}
    if told.get("nullable") is True and "allOf" in told:
        return {"anyOf": [{"allOf": told["allOf"]}, {"type": "object", "nullable": True, "enum": [None]}]}
    return told


@pytest.fixture
def conforms(described):
    """``conforms(body, "Source")``: valid, and without a key that the description does not know."""

    def check(body: Any, name: str) -> None:
        reference = {"$ref": f"#/components/schemas/{name}"}
        errors = list(OAS30Validator({**described, "allOf": [reference]}).iter_errors(body))
        assert not errors, errors[0]
        if isinstance(body, dict):
            assert set(body) <= set(described["components"]["schemas"][name]["properties"])

    return check


@pytest.mark.parametrize("name", CONTRACT)
def test_the_description_has_every_field_of_the_contract(described, name):
    assert set(CONTRACT[name].split()) <= set(described["components"]["schemas"][name]["properties"])


@pytest.fixture
def eventful(registered):
    """A scanned source with warnings, a duplicate and, at the next scan, a move."""
    files = skills("a", "b") | {"copy/SKILL.md": skill("a"), "skills/odd/SKILL.md": "---\nname: [1\n---\n"}
    repository, source = registered(files)
    repository.commit({"skills/b/SKILL.md": None, "new/b/SKILL.md": skill("b")})
    return source


def test_a_scan_and_what_it_left(api, eventful, conforms):
    result = ok(api.post(f"{BASE}/sources/{eventful.pk}/rescan", {}, format="json"))
    assert result["moved"]
    assert result["warnings"]
    conforms(result, "ScanResult")
    conforms(ok(api.get(f"{BASE}/sources/{eventful.pk}")), "Source")
    entries = ok(api.get(f"{BASE}/entries?include=duplicate,removed"))
    assert len(entries["results"]) == 4
    for entry in entries["results"]:
        conforms(entry, "Entry")
    conforms(entries, "PaginatedEntryList")


def test_lists_jobs_and_items(api, eventful, conforms, described):
    conforms(ok(api.get(f"{BASE}/sources")), "PaginatedSourceList")
    bulk = ok(api.post(f"{BASE}/sources/bulk-rescan", {"ids": [eventful.pk, 404]}, format="json"))
    conforms(bulk, "BulkResult")
    jobs = ok(api.get("/api/v1/jobs"))["results"]
    assert len(jobs) == 3
    for job in jobs:
        conforms(job, "Job")
        for item in ok(api.get(f"/api/v1/jobs/{job['id']}/items"))["results"]:
            assert set(item) == set(described["components"]["schemas"]["JobItem"]["properties"])


def test_created_with_a_scan(api, repository, conforms):
    conforms(
        ok(api.post(f"{BASE}/sources", {"url": repository.url, "scan": True}, format="json"), 201), "SourceWithScan"
    )


def test_problems(api, conforms):
    for answer in (
        api.get(f"{BASE}/sources/404"),
        api.get(f"{BASE}/entries?typ=x"),
        api.post(f"{BASE}/sources", {}, format="json"),
        api.post(f"{BASE}/entries/bulk-update", {"ids": [], "excluded": 1}, format="json"),
    ):
        conforms(answer.json(), "Problem")


def test_a_creation_that_is_only_tried(api, repository, conforms):
    tried = ok(api.post(f"{BASE}/sources", {"url": repository.url, "dry_run": True}, format="json"))
    assert (tried["id"], tried["dry_run"]) == (None, True)
    conforms(tried, "SourceDraft")


def test_every_operation_tells_of_problems_in_their_own_media_type(described):
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert operations
    for operation in operations:
        for status in ("4XX", "5XX"):
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_a_body_tells_that_other_fields_are_refused(described):
    bodies = {name: body for name, body in described["components"]["schemas"].items() if name.endswith("Request")}
    assert len(bodies) >= 6
    assert all(body["additionalProperties"] is False for body in bodies.values())
    assert bodies["BulkRescanRequestRequest"]["oneOf"] == [{"required": ["ids"]}, {"required": ["filter"]}]


def test_a_list_tells_its_words_and_bounds(described):
    told = {one["name"]: one["schema"] for one in described["paths"][f"{BASE}/entries"]["get"]["parameters"]}
    assert "skill" in told["type"]["items"]["enum"]
    assert "-confidence" in told["ordering"]["items"]["enum"]
    assert told["confidence_min"] == {"type": "integer", "minimum": 0, "maximum": 100}
    assert told["source"]["type"] == "integer"


@pytest.mark.parametrize("query", ["source=1.5", "plugin=1.5", "confidence_min=0.5"])
def test_a_part_of_a_number_is_refused(api, query):
    answer = api.get(f"{BASE}/entries?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
