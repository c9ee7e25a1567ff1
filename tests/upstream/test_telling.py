"""Telling a running server: within its time, whatever the server does; never an exception, never a secret."""

from __future__ import annotations

import threading
import time

import pytest

from skillmeat_site.upstream.telling import ALL_SECONDS, ONE_SECONDS, RunningServer
from tests.fakes.answering import closed_port, silent
from tests.fakes.told import told

TOKEN = "smt_Secret0Secret0Secret0"


def test_one_collection_is_told_by_its_name():
    with told() as server:
        assert RunningServer(f"{server.url}/", TOKEN).tell({"my tools"}) == ""
        ((method, path, headers, body),) = server.requests
    assert (method, path) == ("POST", "/api/v1/user-collections/my%20tools/refresh-cache")
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert (headers["content-type"], body) == ("application/json", b"{}")


def test_several_collections_are_told_at_once():
    with told(status=202) as server:
        assert RunningServer(server.url).tell({"a", "b"}) == ""
        assert server.paths == ["/api/v1/user-collections/refresh-cache"]
        assert "authorization" not in server.requests[0][2]


def test_nobody_is_told_of_nothing():
    with told() as server:
        assert RunningServer(server.url).tell(set()) == ""
        assert server.requests == []


def test_how_long_it_may_take():
    assert (ONE_SECONDS, ALL_SECONDS) == (3.0, 10.0)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "it answered 400"),
        (401, "refuses the token"),
        (403, "may not do that"),
        (404, "it answered 404"),
        (409, "it answered 409"),
        (500, "it answered 500"),
        (503, "it answered 503"),
    ],
)
def test_a_refusal_is_one_line(status, words):
    with told(status=status) as server:
        warning = RunningServer(server.url, TOKEN).tell({"a"})
        assert len(server.requests) == 1  # nothing is tried again
    assert words in warning
    assert f"127.0.0.1:{server.port}" in warning
    assert "\n" not in warning
    assert TOKEN not in warning


def test_a_redirect_is_not_followed_and_gets_no_token():
    with told() as elsewhere, told(status=307, headers={"Location": f"{elsewhere.url}/x"}) as server:
        assert "redirects" in RunningServer(server.url, TOKEN).tell({"a"})
        assert elsewhere.requests == []


def in_time(server, changed=("a",)):
    """The warning, and that it did not take as long as the server would have."""
    began = time.monotonic()
    warning = server.tell(set(changed))
    assert time.monotonic() - began < 20
    return warning


def test_a_slow_server_is_given_up():
    with told(wait=60) as server:
        warning = in_time(RunningServer(server.url, one_seconds=0.3))
    assert "longer than 0.3 s" in warning


def test_a_server_that_drips_its_answer_is_given_up():
    """Each byte comes in time, the whole of it does not."""
    with told(drips=600) as server:
        assert "longer than 0.5 s" in in_time(RunningServer(server.url, one_seconds=0.5))
    with told(drips=600) as server:
        assert "longer than 0.4 s" in in_time(RunningServer(server.url, all_seconds=0.4), ("a", "b"))


def test_an_answer_is_awaited_to_its_end():
    with told(drips=3) as server:
        assert RunningServer(server.url).tell({"a"}) == ""


def test_a_server_that_says_nothing_is_given_up():
    with silent() as port:
        assert "longer than" in in_time(RunningServer(f"http://127.0.0.1:{port}", one_seconds=0.3))


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://127.0.0.1:99999"])
def test_a_server_that_is_away(url):
    warning = RunningServer(url.format(port=closed_port()), TOKEN).tell({"a"})
    assert "cannot be reached" in warning
    assert TOKEN not in warning


def test_secrets_of_the_url_and_a_token_that_is_none_are_not_shown():
    with told() as server:
        warning = RunningServer(f"http://user:hunter2@127.0.0.1:{server.port}", "a\nb: c").tell({"a"})
        assert server.requests == []
    assert "hunter2" not in warning
    assert "a\nb" not in warning
    assert "SKILLMEAT_API_TOKEN" in warning


def test_no_thread_waits_for_what_was_given_up():
    with told(wait=60) as server:
        in_time(RunningServer(server.url, one_seconds=0.1))
        assert all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate())
