"""No path answers anybody, except the few that may. Walks the URL resolver: a new endpoint is in it at once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.urls.converters import IntConverter, UUIDConverter

pytestmark = pytest.mark.django_db

OPEN = {
    "health/live": "a probe knows no token",
    "health/ready": "a probe knows no token; tells no detail",
    "admin/login/": "the way in",
    "^api/": "404 for what is no path",
    "api/v1/webhooks/github": "the signature of a delivery is what counts",
}
METHODS = ("get", "post", "put", "patch", "delete")


def patterns(resolver, prefix="", converters=None):
    """Every pattern with its whole route and an example path."""
    for entry in resolver.url_patterns:
        found = {**(converters or {}), **getattr(entry.pattern, "converters", {})}
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, example(route, found)
        else:
            yield from patterns(entry, route, found)


def example(route, converters):
    for name, converter in converters.items():
        value = {IntConverter: "1", UUIDConverter: "00000000-0000-4000-8000-000000000000"}.get(type(converter), "x")
        for spelling in (f"<{kind}:{name}>" for kind in ("int", "uuid", "str", "path", "slug")):
            route = route.replace(spelling, value)
        route = route.replace(f"<{name}>", value)
    return "/" + route


EVERY = sorted(set(patterns(get_resolver())))


def test_the_walk_finds_the_endpoints():
    routes = {route for route, _ in EVERY}
    assert {"api/v1/jobs", "api/v1/marketplace/sources", "api/v1/schema", "metrics", *OPEN} <= routes
    assert len(routes) > 40
    unresolved = [path for route, path in EVERY if "<" in path and not route.startswith(("^", "admin/^"))]
    assert not [path for path in unresolved if path.startswith("/api")]


@pytest.mark.parametrize(("route", "path"), [pair for pair in EVERY if pair[0] not in OPEN and "(?P" not in pair[0]])
def test_nobody_is_refused(route, path):
    client = Client()
    for method in METHODS:
        answer = getattr(client, method)(path)
        if path.startswith(("/api/", "/metrics")):
            assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), (method, path)
            assert answer["WWW-Authenticate"]
        else:  # the admin shows the way to its login page, or knows no such method
            assert answer.status_code in (302, 405), (method, path, answer.status_code)
            if answer.status_code == 302:
                assert answer["Location"].startswith(("/admin/", "/admin/login/"))


@pytest.mark.parametrize(("path", "status"), [("/health/live", 200), ("/health/ready", 200), ("/api/nothing", 404)])
def test_what_is_open(path, status):
    assert Client().get(path).status_code == status
