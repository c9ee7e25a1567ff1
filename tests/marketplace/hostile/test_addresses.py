"""Addresses that would run, read or reach something else: refused by every door, also when the row says so."""

from __future__ import annotations

import pytest

from marketplace.models import Source
from tests.conftest import skills
from tests.fakes.git_http import serve
from tests.marketplace.answers import BASE, ok, refused
from tests.marketplace.hostile.conftest import hosted_repository
from tests.marketplace.scanning import counters, dump, statuses

pytestmark = pytest.mark.django_db

SOURCES = f"{BASE}/sources"


def refusal_everywhere(api, body, code):
    """Registering, changing and a registration with a scan say the same, and register nothing."""
    known = ok(api.post(SOURCES, {"url": "acme/known"}, format="json"), 201)
    said = refused(api.post(SOURCES, body, format="json"), 400, code)
    refused(api.post(SOURCES, {**body, "scan": True}, format="json"), 400, code)
    refused(api.patch(f"{SOURCES}/{known['id']}", body, format="json"), 400, code)
    assert ok(api.get(f"{SOURCES}/{known['id']}"))["url"] == known["url"]
    assert Source.objects.count() == 1
    return said


@pytest.mark.parametrize("ref", ["--upload-pack=touch owned", "--upload-pack=x", "-x", "a..b", "a b", "x:y", "@{1}"])
def test_a_ref_that_is_an_option_or_none(api, ref):
    said = refusal_everywhere(api, {"url": "acme/tools", "ref": ref}, "invalid_ref")
    assert "ref" in said["detail"]


def test_a_ref_that_got_into_the_row_runs_nothing(hosted, tmp_path):
    """A row restored from elsewhere is no way around the check."""
    owned = tmp_path / "owned"
    Source.objects.update(ref=f"--upload-pack=touch {owned};")
    before = len(hosted.server.requests)
    hosted.fails("invalid_ref", status=400, says="ref")
    assert len(hosted.server.requests) == before
    assert not owned.exists()
    Source.objects.update(ref="")
    hosted.recovers()


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% owned",
        "ext::sh",
        "fd::17",
        "--upload-pack=x",
        "ftp://github.com/a/b",
        "git://github.com/a/b",
    ],
)
def test_a_transport_that_runs_things(api, url):
    assert "owned" not in refusal_everywhere(api, {"url": url}, "invalid_url")["detail"]


def test_a_transport_that_got_into_the_row_runs_nothing(hosted, tmp_path):
    owned = tmp_path / "owned"
    good = hosted.source.url
    Source.objects.update(url=f"ext::sh -c touch% {owned}")
    hosted.fails("invalid_url", status=400, says="a URL holds no spaces")
    assert not owned.exists()
    Source.objects.update(url=good)
    hosted.recovers()


def test_paths_outside_the_roots(api, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "repos" / "link").symlink_to(outside)
    for url in (f"file://{outside}", str(outside), "/etc", f"file://{tmp_path}/repos/link", "file:///"):
        said = refused(api.post(SOURCES, {"url": url}, format="json"), 400, "path_not_allowed")
        assert "SKILLMEAT_LOCAL_SOURCE_ROOTS" in said["detail"]
        assert str(tmp_path) not in str(said)
    refused(api.post(SOURCES, {"url": f"file://{tmp_path}/repos/../outside"}, format="json"), 400, "invalid_url")
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "[fd00::1]", "localhost", "0.0.0.0"),
        *("[::ffff:127.0.0.1]", "2130706433", "metadata.google.internal"),
    ],
)
def test_hosts_of_private_ranges(api, host):
    said = refusal_everywhere(api, {"url": f"https://{host}/acme/tools"}, "host_not_allowed")
    assert "SKILLMEAT_ALLOWED_HOSTS" in said["detail"]


@pytest.mark.parametrize("target", ["http://127.0.0.1:{port}/acme/tools", "http://localhost:{port}/acme/tools"])
@pytest.mark.fault(16)
def test_a_redirect_into_the_private_range(hosted, tmp_path, target):
    """The allowed host sends us to another one, which really listens and is never asked."""
    with serve(tmp_path / "srv") as inward:
        hosted.server.moved = {"/acme/tools": target.format(port=inward.port)}
        hosted.fails("host_not_allowed", status=400, says="SKILLMEAT_ALLOWED_HOSTS")
        assert inward.requests == []
    hosted.server.moved = {}
    hosted.recovers()


@pytest.mark.parametrize(
    ("target", "code", "status"),
    [
        ("https://169.254.169.254/latest/meta-data", "host_not_allowed", 400),
        ("file:///etc", "upstream_invalid", 500),
        ("file://{repository}", "upstream_invalid", 500),
        ("ext::sh -c id", "upstream_invalid", 500),
    ],
)
def test_a_redirect_to_something_else(hosted, make_repository, target, code, status):
    """Also to a local repository in an allowed root: it is the operator's, and no host's to choose."""
    private = make_repository("private", skills("private"))
    hosted.server.moved = {"/acme/tools": target.format(repository=private.path)}
    hosted.fails(code, status=status, says="SKILLMEAT_ALLOWED_HOSTS" if status == 400 else "scan again")
    hosted.server.moved = {}
    hosted.recovers()


def test_a_repository_called_github_io(api, server):
    """Its name ends in what looks like a suffix to cut, and is asked for whole."""
    hosted_repository(server, "foo/foo.github.io").commit(skills("a"))
    body = ok(api.post(SOURCES, {"url": f"{server.url}/foo/foo.github.io", "scan": True}, format="json"), 201)
    assert (body["name"], body["url"]) == ("foo.github.io", f"{server.url}/foo/foo.github.io")
    assert counters(body["scan"]) == {"new": 1}
    assert statuses(Source.objects.get()) == {"skills/a": "new"}
    assert all(request.path.startswith("/foo/foo.github.io/") for request in server.requests)


def test_the_same_source_in_another_spelling(hosted):
    """It is the same source: nothing is registered, nothing scanned, no entry entered twice."""
    before, url = dump(), hosted.source.url
    for spelling in (f"{url}.git", f"{url}/", f"{url}.git/", url.replace("http://", "HTTP://")):
        said = refused(hosted.api.post(SOURCES, {"url": spelling, "scan": True}, format="json"), 409, "source_exists")
        assert said["source_id"] == hosted.source.pk
    assert Source.objects.count() == 1
    assert dump() == before
    hosted.recovers()
