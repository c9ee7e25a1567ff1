"""Every refusal is a problem (RFC 9457): a code, a status, what to do; never a trace, a path or a secret."""

from __future__ import annotations

import json
import logging

import pytest
from django.db import OperationalError
from django.urls import path, reverse
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from skillmeat_site.core.api.permissions import IsAuthenticatedInScope
from skillmeat_site.core.api.problems import CONTENT_TYPE, problem
from skillmeat_site.core.api.serializers import Selection, Strict
from skillmeat_site.core.errors import DomainError, FieldProblem
from skillmeat_site.core.redaction import MASK
from skillmeat_site.urls import urlpatterns as site_urls
from tests.factories.core import JobFactory, UserFactory

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/jobs"
RESCAN = "/api/v1/marketplace/sources/bulk-rescan"


class Part(Strict):
    size = serializers.IntegerField(min_value=1)


class Body(Strict):
    title = serializers.CharField(max_length=5)
    parts = Part(many=True, required=False)


class Limited(DomainError):
    code = "test_limited"
    status = 503
    title = "Limited"


RAISED = {
    "bug": ZeroDivisionError("token ghp_abcdefgh12345678 in /srv/private/secret.py"),
    "database": OperationalError("could not connect to server at /var/run/postgres"),
    "limited": Limited("Ask ghp_abcdefgh12345678 later.", retry_after=30),
}


class Probe(APIView):
    permission_classes = [IsAuthenticatedInScope]

    def get(self, request):
        raise RAISED[request.query_params["raise"]]

    def post(self, request):
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(body.validated_data)


class urls:  # noqa: N801 - stands for a module
    urlpatterns = [path("api/probe", Probe.as_view()), *site_urls]


@pytest.fixture
def probe(settings, api):
    settings.ROOT_URLCONF = urls
    return api


def check(answer, status, code):
    """The parts that every problem has."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert answer["Content-Type"] == CONTENT_TYPE
    assert body["status"] == status
    assert body["type"].endswith(f"/{code}")
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer["X-Request-Id"]
    assert isinstance(body["errors"], list)
    return body


@pytest.mark.parametrize("header", [None, "Bearer smt_unknown", "Bearer", "Bearer \xff", "Basic cm9vdDpyb290"])
def test_without_a_good_token_401_with_a_challenge(header):
    client = APIClient(headers={"Authorization": header} if header else {})
    answer = client.get(JOBS)
    check(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="skillmeat"'


@pytest.mark.parametrize(
    ("scope", "method", "allowed"),
    [("read", "get", True), ("read", "post", False), ("write", "post", True), ("admin", "post", True)],
)
def test_a_tokens_scope_bounds_what_its_user_may(admin_user, client_for, scope, method, allowed):
    client = client_for(admin_user, scope)
    job = JobFactory(status="queued", finished_at=None)
    answer = client.get(JOBS) if method == "get" else client.post(f"{JOBS}/{job.pk}/cancel")
    if allowed:
        assert answer.status_code == 200
    else:
        check(answer, 403, "permission_denied")


def test_a_user_without_the_permission_403(client_for):
    check(client_for(UserFactory(), "admin").get(JOBS), 403, "permission_denied")
    assert client_for(UserFactory(permissions=["core.view_job"]), "read").get(JOBS).status_code == 200


@pytest.mark.parametrize(
    "where", ["/api/v1/nothing", "/api/v1/jobs/", "/api/", "/api/v2/jobs", f"{JOBS}/no-uuid",
              f"{JOBS}/00000000-0000-0000-0000-000000000000"]
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_404_below_api(admin_user, client_for, where, method):
    client = client_for(admin_user, "admin")
    client.handler.enforce_csrf_checks = True  # as a real server does
    answer = getattr(client, method)(where)
    if method == "post" and where.endswith("0000"):
        check(answer, 405, "method_not_allowed")
    else:
        check(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("method", "where", "allow"),
    [
        ("delete", JOBS, "GET, HEAD, OPTIONS"),
        ("post", JOBS, "GET, HEAD, OPTIONS"),
        ("get", RESCAN, "POST, OPTIONS"),
    ],
)
def test_405_tells_what_is_allowed(api, method, where, allow):
    answer = getattr(api, method)(where)
    check(answer, 405, "method_not_allowed")
    assert answer["Allow"] == allow


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b'{"title": NaN}', b"\xff\xfe", b'{"title": "x"', b"[" * 100_000, b'{"a": ' * 50_000,
     b'{"title": ' + b"9" * 5000 + b"}"],
    ids=["open", "empty", "nan", "not utf-8", "half", "deep list", "deep object", "endless number"],
)  # fmt: skip
def test_400_for_what_is_no_json(api, body):
    check(api.post(RESCAN, body, content_type="application/json"), 400, "invalid_parameter")


@pytest.mark.parametrize("body", [[], "text", 1, None, [{"title": "x"}]])
def test_400_for_json_that_is_no_object(probe, body):
    check(probe.post("/api/probe", json.dumps(body), content_type="application/json"), 400, "invalid_parameter")


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_415(probe, kind):
    check(probe.post("/api/probe", b"title=x", content_type=kind), 415, "unsupported_media_type")


@pytest.mark.parametrize("where", [JOBS, RESCAN, "/api/v1/schema"])
def test_406_for_formats_there_are_none_of(api, where):
    check(api.get(where, headers={"Accept": "image/png"}), 406, "not_acceptable")


def test_a_body_that_is_too_large_413(probe, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = probe.post("/api/probe", json.dumps({"title": "x" * 2000}), content_type="application/json")
    check(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "code", "entries"),
    [
        ({"titel": "x"}, "unknown_field", [("/titel", "unknown_field", "did you mean 'title'?")]),
        ({"a/b~c": 1}, "unknown_field", [("/a~1b~0c", "unknown_field", "known: parts, title")]),
        ({}, "invalid_parameter", [("/title", "required", "")]),
        ({"title": "too long"}, "invalid_parameter", [("/title", "max_length", "")]),
        ({"title": "\x00"}, "invalid_parameter", [("/title", "null_characters_not_allowed", "")]),
        (
            {"title": "x", "parts": [{"size": 1}, {"size": 0}]},
            "invalid_parameter",
            [("/parts/1/size", "min_value", "")],
        ),
        ({"title": None, "parts": {}}, "invalid_parameter", [("/title", "null", ""), ("/parts", "not_a_list", "")]),
    ],
)
def test_400_points_at_what_is_wrong(probe, body, code, entries):
    answer = check(probe.post("/api/probe", body), 400, code)
    found = [(entry["pointer"], entry["code"]) for entry in answer["errors"]]
    assert found == [entry[:2] for entry in entries]
    for given, (_, _, hint) in zip(answer["errors"], entries, strict=True):
        assert hint in given["detail"]
        assert given["detail"] in answer["detail"]


@pytest.mark.parametrize(
    ("query", "code", "pointer", "hint"),
    [
        ({"statsu": "queued"}, "unknown_field", "statsu", "did you mean 'status'?"),
        ({"x": "1"}, "unknown_field", "x", "known: "),
        ({"status": "queud"}, "invalid_parameter", "status", "did you mean 'queued'?"),
        ({"trigger": "moon"}, "invalid_parameter", "trigger", "api, admin, command, schedule, webhook"),
        ({"ordering": "labl"}, "invalid_parameter", "ordering", "created_at"),
        ({"parent": "no-uuid"}, "invalid_parameter", "/parent", ""),
        ({"kind": "a\x00b"}, "invalid_parameter", "/kind", ""),
        *(({"limit": bad}, "invalid_parameter", "limit", "between 1 and 500")
          for bad in ("0", "501", "-1", "x", "", "1.5", "9" * 30, "٣", " 5")),
        *(({"offset": bad}, "invalid_parameter", "offset", "whole number") for bad in ("-1", "x", "9" * 12)),
    ],
)  # fmt: skip
def test_400_for_queries_that_mean_nothing(api, query, code, pointer, hint):
    body = check(api.get(JOBS, query), 400, code)
    assert body["errors"][0]["pointer"] == pointer
    assert hint in body["errors"][0]["detail"]


def test_a_single_object_takes_no_query(api):
    check(api.get(f"{JOBS}/{JobFactory().pk}?status=queued"), 400, "unknown_field")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"ids": [1], "filter": {}}, ""),
        ({"ids": []}, "/ids"),
        ({"ids": "1"}, "/ids"),
        ({"ids": [0]}, "/ids/0"),
        ({"ids": [1, "x"]}, "/ids/1"),
        ({"ids": [10**30]}, "/ids/0"),
        ({"ids": {"a": 1}}, "/ids"),
        ({"filter": []}, "/filter"),
    ],
)
def test_a_selection_is_ids_or_a_filter_and_never_nothing(api, body, pointer):
    problem_body = check(api.post(RESCAN, body), 400, "invalid_parameter")
    assert problem_body["errors"][0]["pointer"] == pointer


def test_a_filter_that_nobody_knows_is_told_where_it_stands(api):
    body = check(api.post(RESCAN, {"filter": {"tagg": "x"}}), 400, "unknown_field")
    assert body["errors"] == [{"pointer": "/filter/tagg", "code": "unknown_field", "detail": "did you mean 'tag'?"}]
    assert body["detail"] == "Unknown filter 'tagg'; did you mean 'tag'?"


def test_a_filters_value_that_it_does_not_take_is_told_where_it_stands(api):
    body = check(api.post(RESCAN, {"filter": {"enabled": "perhaps"}}), 400, "invalid_parameter")
    assert [error["pointer"] for error in body["errors"]] == ["/filter/enabled"]


def test_a_selection_names_each_object_once():
    selection = Selection(data={"ids": [3, 1, 3, 2, 1]})
    selection.is_valid(raise_exception=True)
    assert selection.validated_data["ids"] == [3, 1, 2]


def test_a_bug_is_500_and_tells_only_where_to_look(probe, caplog):
    caplog.set_level(logging.INFO)
    answer = probe.get("/api/probe?raise=bug")
    body = check(answer, 500, "internal")
    told = answer.content.decode()
    assert not [word for word in ("ghp_", "/srv", "Traceback", "ZeroDivision", "Probe") if word in told]
    logged = [str(record.msg) for record in caplog.records if "request.bug" in str(record.msg)]
    assert len(logged) == 1
    assert "Traceback" in logged[0]
    assert body["request_id"] in logged[0]
    assert "ghp_abcdefgh" not in logged[0]


def test_a_database_that_is_away_is_503_without_its_address(probe):
    answer = probe.get("/api/probe?raise=database")
    check(answer, 503, "database_busy")
    assert "/var/run" not in answer.content.decode()


def test_a_limit_says_when_to_come_again(probe):
    answer = probe.get("/api/probe?raise=limited")
    body = check(answer, 503, "test_limited")
    assert (body["retry_after"], answer["Retry-After"]) == (30, "30")
    assert body["detail"] == f"Ask {MASK} later."


def test_data_of_an_error_stands_in_the_body():
    error = DomainError("No.", errors=(FieldProblem("/a", "bad", "is bad"),), data={"job_id": "7"})
    body = problem(error, "r-1")
    assert body["job_id"] == "7"
    assert body["errors"] == [{"pointer": "/a", "code": "bad", "detail": "is bad"}]
    assert "retry_after" not in body


def test_a_session_may_read_and_needs_its_csrf_token_to_write(admin_user):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(admin_user)
    job = JobFactory(status="queued", finished_at=None)
    assert client.get(JOBS).status_code == 200
    check(client.post(reverse("job-cancel", args=[job.pk])), 403, "permission_denied")
