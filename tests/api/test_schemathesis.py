"""The whole API against its own description: generated requests, right and wrong, and no answer it does not tell of.

The requests go through the WSGI application, with the bearer token of somebody who may do everything. Most of them
name rows that exist: a random number never does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from collections_app.jobs import bulk_deploy
from collections_app.models import Artifact, Collection, Deployment, Project, Snapshot
from marketplace.models import CatalogEntry, Source
from marketplace.services.import_coordinator import ImportCoordinator
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.models import ApiToken, Job
from skillmeat_site.core.models.token import Scope
from skillmeat_site.core.results import JobStatus
from tests.conftest import skills
from tests.factories.core import JobFactory, JobItemFactory
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db

EXAMPLES, MANY = 15, 200
"""Requests to each operation: in every run, and in `make test-exhaustive`."""
DESCRIPTION = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schema = schemathesis.openapi.from_path(DESCRIPTION)
schema.app = get_wsgi_application()
OPERATIONS = {operation.label: operation for operation in (found.ok() for found in schema.get_all_operations())}


@pytest.fixture(autouse=True)
def connection_stays_open() -> Iterator[None]:
    """A server closes connections between requests, and with them the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def rows(db, settings, tmp_path, make_repository) -> dict[str, Any]:
    """What requests may name: a scanned source with entries, a job that is done and one that waits, and a new URL."""
    settings.SKILLMEAT_ALLOWED_HOSTS = []  # whatever URL is made up, only the folder of the test is read
    repository = make_repository(files={**skills("a", "b"), "skills/odd/SKILL.md": "---\nname: [1\n---\n"})
    scan(create_source(url=repository.url, actor=COMMAND_LINE))
    repository.commit({"skills/a/SKILL.md": None, "new/a/SKILL.md": "---\nname: a\n---\n"})
    others = [make_repository(name, skills(name)) for name in ("c", "d")]
    jobs = [JobFactory(), JobFactory(status=JobStatus.QUEUED), JobFactory(status=JobStatus.FAILED)]
    for job in jobs:
        JobItemFactory.create_batch(2, job=job)
    project = tmp_path / "projects" / "app"
    project.mkdir(parents=True)
    settings.SKILLMEAT_PROJECT_ROOTS = [project.parent]
    ids = list(CatalogEntry.objects.values_list("pk", flat=True))
    for strategy in ("skip", "overwrite"):  # the second takes a snapshot
        ImportCoordinator("kept").import_entries(ids, Source.objects.get().pk, strategy)
    artifacts = [str(pk) for pk in Artifact.objects.values_list("pk", flat=True)]
    bulk_deploy.function(DryRunContext(COMMAND_LINE), artifacts[:1], str(project))
    return {
        "user-collections": list(Collection.objects.values_list("slug", flat=True)),
        "artifacts": artifacts,
        "snapshots": [str(pk) for pk in Snapshot.objects.values_list("pk", flat=True)],
        "deployments": [str(pk) for pk in Deployment.objects.values_list("pk", flat=True)],
        "projects": list(Project.objects.values_list("pk", flat=True)),
        "sources": list(Source.objects.values_list("pk", flat=True)),
        "entries": list(CatalogEntry.objects.values_list("pk", flat=True)),
        "jobs": [str(pk) for pk in Job.objects.values_list("pk", flat=True)],
        "urls": [repository.url, *(other.url for other in others)],
    }


def with_rows(case: schemathesis.Case, rows: dict[str, Any], pick: int) -> None:
    """Let the request name rows that there are, in its path and in its body."""
    named = [kind for kind in rows if f"/{kind}" in case.path]
    kind = max(named, key=case.path.rindex) if named else ""

    def chosen(name: str) -> Any:
        return rows[name][pick % len(rows[name])]

    if "source_id" in case.path_parameters:
        case.path_parameters["source_id"] = chosen("sources")
        kind = "entries"
    if "slug" in case.path_parameters:
        case.path_parameters["slug"] = chosen("user-collections")
    if "id" in case.path_parameters:
        case.path_parameters["id"] = chosen(kind)
    if isinstance(case.body, dict):
        known = {"url": "urls", "collection": "user-collections", "artifact": "artifacts", "project": "projects"}
        case.body.update({name: chosen(of) for name, of in known.items() if name in case.body})
        if "ids" in case.body:
            kind = "artifacts" if case.path.endswith("bulk-deploy") else kind
            case.body["ids"] = rows[kind][: pick + 1]
            case.body.pop("filter", None)


@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MANY, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_operation(label, examples, rows, admin_user):
    _, secret = ApiToken.issue(admin_user, scope=Scope.ADMIN)
    operation = OPERATIONS[label]
    made = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @given(case=made, existing=st.sampled_from([True, True, True, False]), pick=st.integers(0, 5))
    @hypothesis_settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case, existing, pick):
        if existing:
            with_rows(case, rows, pick)
        before = transaction.savepoint()
        try:
            case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS)
        finally:
            transaction.savepoint_rollback(before)
            connection.needs_rollback = False

    ask()
