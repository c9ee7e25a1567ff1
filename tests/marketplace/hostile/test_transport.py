"""A host that refuses, lies, breaks off or never ends: each has its code, nothing is lost, the next scan is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

import pytest

from marketplace.services.upstreams import address_of
from skillmeat_site.upstream.mirror import mirror_path
from skillmeat_site.upstream.process import run_git
from tests.conftest import skills
from tests.fakes.git_http import HANGS, Fault, Handler, cut_packs, drip, drop, hang, status, wait_until
from tests.marketplace.answers import ok, refused
from tests.marketplace.hostile.conftest import SECOND
from tests.marketplace.scanning import counters, dump
from tests.upstream.conftest import git
from tests.upstream.test_process import commands_with

pytestmark = pytest.mark.django_db

TOKEN = "ghp_secretsecretsecretsecretsecret0123"


@pytest.mark.parametrize(
    ("fault", "code", "http", "health", "says"),
    [
        pytest.param(status(403), "upstream_auth", 500, "failing", "GITHUB_TOKEN", id="refused"),
        pytest.param(status(404), "upstream_not_found", 500, "unreachable", "check the URL", id="gone"),
        pytest.param(status(410), "upstream_not_found", 500, "unreachable", "check the URL", id="gone for good"),
        pytest.param(status(451), "upstream_blocked", 500, "unreachable", "disable the source", id="taken down"),
        pytest.param(status(500, "<html>"), "upstream_invalid", 500, "failing", "scan again", id="broken"),
        pytest.param(status(503), "upstream_unreachable", 500, "unreachable", "scan again", id="not serving"),
        pytest.param(status(200, "<html>Sign in"), "upstream_invalid", 500, "failing", "scan again", id="portal"),
        pytest.param(status(200, ""), "upstream_invalid", 500, "failing", "scan again", id="empty answer"),
        pytest.param(drop, "upstream_unreachable", 500, "unreachable", "scan again", id="hung up"),
        pytest.param(cut_packs, "upstream_invalid", 500, "failing", "scan again", id="pack cut off"),
    ],
)
def test_a_host_at_fault(hosted, fault: Fault, code, http, health, says):
    hosted.server.fault = fault
    hosted.fails(code, status=http, health=health, says=says)
    hosted.server.fault = None
    hosted.recovers()


def test_a_limit_is_no_failure_of_the_source(hosted):
    """Nothing is written of it: the source is as well as it was, and may be asked again once the limit is reset."""
    before = dump()
    hosted.server.fault = status(429, Retry_After="7")
    body = refused(hosted.rescan(), 503, "upstream_rate_limited")
    assert "limit is reset" in body["detail"]
    assert dump() == before
    assert (hosted.told()["health"], hosted.told()["last_error"]) == ("fresh", None)
    hosted.source.refresh_from_db()
    assert (hosted.source.lease_token, hosted.source.not_before) == (None, None)
    hosted.server.fault = None
    hosted.recovers()


def on_post(fault: Fault) -> Fault:
    """The refs are told; what follows goes wrong."""

    def only(handler: Handler) -> bool:
        return handler.command == "POST" and fault(handler)

    return only


def trickle(handler: Handler) -> bool:
    """A packet that is promised to be long and comes a byte at a time."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/x-git-upload-pack-result")
    handler.end_headers()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for byte in b"fff0" + b"x" * 100:
            handler.wfile.write(bytes([byte]))
            if handler.git.stopping.wait(0.2):
                break
    handler.close_connection = True
    return True


@pytest.mark.parametrize(
    "fault", [hang, drip, on_post(hang), on_post(trickle)], ids=["hang", "drip", "late", "trickle"]
)
def test_a_host_that_never_ends(hosted, settings, fault):
    settings.SKILLMEAT_UPSTREAM_TIMEOUT = settings.SKILLMEAT_UPSTREAM_FETCH_TIMEOUT = 2
    hosted.server.fault = fault
    began = time.monotonic()
    hosted.fails("upstream_timeout", health="unreachable", says="SKILLMEAT_UPSTREAM_TIMEOUT")
    assert time.monotonic() - began < HANGS / 2
    assert wait_until(lambda: not commands_with(f":{hosted.server.port}"))
    settings.SKILLMEAT_UPSTREAM_TIMEOUT = settings.SKILLMEAT_UPSTREAM_FETCH_TIMEOUT = 60
    hosted.server.fault = None
    hosted.recovers()


def test_a_wrong_token(hosted, settings):
    settings.SKILLMEAT_GITHUB_URL = hosted.server.url
    settings.SKILLMEAT_GITHUB_TIERS = ["git"]
    hosted.server.token = TOKEN
    settings.GITHUB_TOKEN = "ghp_wrongwrongwrongwrongwrongwrong0123"
    body = hosted.fails("upstream_auth", says="GITHUB_TOKEN")
    assert "ghp_" not in str(body) + str(hosted.told())
    settings.GITHUB_TOKEN = ""
    hosted.fails("upstream_not_found", health="unreachable", says="token")
    settings.GITHUB_TOKEN = TOKEN
    hosted.recovers()


def test_a_repository_that_is_gone(hosted):
    away = hosted.repository.path.with_name("away")
    shutil.move(hosted.repository.path, away)
    hosted.fails("upstream_not_found", health="unreachable", says="check the URL")
    shutil.move(away, hosted.repository.path)
    hosted.recovers()


def test_a_repository_that_became_empty(hosted):
    """An empty answer is no proof that a person wants an empty catalog: held until somebody says so."""
    before, tip = dump(), git(hosted.repository.path, "rev-parse", "main")
    run_git(["update-ref", "-d", "refs/heads/main"], git_dir=hosted.repository.path, deadline_seconds=30)
    body = ok(hosted.rescan())
    assert (counters(body), body["code"], body["commit"]) == ({}, "removals_held", None)
    assert "allow_removals" in body["warnings"][0]["detail"]
    assert dump() == before
    assert (hosted.told()["health"], hosted.told()["last_error"]["code"]) == ("failing", "removals_held")
    git(hosted.repository.path, "update-ref", "refs/heads/main", tip)
    hosted.recovers()


def test_wrong_bytes_on_the_host(hosted):
    """The file's object on the host holds other bytes than its id says."""
    oid = git(hosted.repository.path, "rev-parse", "main:skills/changes/SKILL.md")
    _unpack(hosted.repository.path)
    rotten = git(hosted.repository.path, "hash-object", "-w", "--stdin", stdin=b"rotten")
    objects = hosted.repository.path / "objects"
    right, wrong = objects / oid[:2] / oid[2:], objects / rotten[:2] / rotten[2:]
    kept = right.read_bytes()
    right.chmod(0o600)
    right.write_bytes(wrong.read_bytes())
    hosted.fails("upstream_invalid", says="scan again")
    right.write_bytes(kept)
    hosted.recovers()


def _unpack(repository: Path) -> None:
    """Let every object of the repository lie in a file of its own."""
    for pack in list(repository.glob("objects/pack/*.pack")):
        content = pack.read_bytes()
        for file in repository.glob(f"objects/pack/{pack.stem}.*"):
            file.unlink()
        git(repository, "unpack-objects", "-q", stdin=content)


def test_wrong_bytes_in_the_mirror(hosted, settings):
    """Damage on our own disk is told from the host's: the file is fetched anew, and only then believed."""
    mirror = mirror_path(settings.SKILLMEAT_MIRRORS, address_of(hosted.source))
    oid = git(hosted.repository.path, "rev-parse", "main:skills/changes/SKILL.md")
    rotten = git(mirror, "hash-object", "-w", "--stdin", stdin=b"---\nname: evil\n---\n")
    target = mirror / "objects" / oid[:2] / oid[2:]
    target.parent.mkdir(exist_ok=True)
    os.replace(mirror / "objects" / rotten[:2] / rotten[2:], target)
    hosted.recovers()
    assert not hosted.source.entries.filter(name="evil").exists()


def test_a_force_push(hosted):
    """The commit of the last scan is no longer in the repository at all, nor is its history."""
    old = hosted.source.head_commit
    path = hosted.repository.path
    tree = git(path, "rev-parse", "main^{tree}")
    git(path, "update-ref", "refs/heads/main", git(path, "commit-tree", tree, "-m", "another history"))
    _forget_the_past(path)
    assert run_git(["cat-file", "-e", old], git_dir=path, deadline_seconds=30).code != 0
    hosted.recovers()


def test_a_force_push_between_two_questions(hosted):
    """The tip is told, then pushed away before it is fetched: the scan fails and mixes nothing."""
    path = hosted.repository.path

    def push_first(handler: Handler) -> bool:
        if handler.command == "POST" and hosted.server.fault:
            hosted.server.fault = None
            git(path, "update-ref", "refs/heads/main", git(path, "rev-parse", "main^"))
            _forget_the_past(path)
        return False

    hosted.server.fault = push_first
    hosted.fails("upstream_ref_not_found", says="moved on")
    hosted.repository.commit(SECOND)
    hosted.recovers()


def _forget_the_past(path: Path) -> None:
    """What no branch reaches is gone from the host."""
    git(path, "reflog", "expire", "--expire=now", "--all")
    git(path, "gc", "--prune=now", "--quiet")


def test_a_pack_cut_off_at_every_length_leaves_a_working_mirror(hosted):
    """Cut in the header, in the middle, in the checksum at the end: the mirror serves the next scan."""
    for kept in (0, 1, 10, -21, -1):
        hosted.server.fault = _cut_at(kept)
        answer = hosted.rescan()
        assert (answer.status_code, answer.json()["code"]) == (500, "upstream_invalid"), kept
    hosted.server.fault = None
    hosted.repository.commit(skills("later"))
    hosted.repository.commit({"skills/later/SKILL.md": None})
    hosted.recovers()


def _cut_at(kept: int) -> Fault:
    def fault(handler: Handler) -> bool:
        if handler.command != "POST":
            return False
        answer = handler.answer

        def cut(code, body, headers):
            handler.send_response(code)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[:kept])
            handler.close_connection = True
            handler.answer = answer

        handler.answer = cut
        return False

    return fault
