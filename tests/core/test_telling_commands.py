"""Commands that changed a collection tell a running server, after everything else, and end as they would have."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import ItemOutcome, Summary
from skillmeat_site.upstream.telling import RunningServer
from tests.fakes.answering import closed_port
from tests.fakes.told import told

TOKEN = "smt_Secret0Secret0Secret0"


class Changing(Base):
    """A command that says it has changed collections."""

    writes = True
    changed = ("tools",)
    outcome = ItemOutcome.UPDATED
    error: BaseException | None = None

    def run(self, options):
        self.changed_collections.update(self.changed)
        if self.error is not None:
            raise self.error
        code = "" if self.outcome is ItemOutcome.UPDATED else "odd"
        return self.finish([{"label": "x", "outcome": self.outcome, "code": code}], Summary.of([self.outcome]))


def run(*args, **attributes):
    out, err = StringIO(), StringIO()
    command = type("Command", (Changing,), attributes)(stdout=out, stderr=err)
    code = 0
    try:
        call_command(command, *args)
    except SystemExit as stop:
        code = stop.code
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def server(settings):
    with told() as state:
        settings.SKILLMEAT_API_URL, settings.SKILLMEAT_API_TOKEN = state.url, TOKEN
        yield state


def test_a_changed_collection_is_told(server):
    """Fault 21: the reference system told of `default`, whatever collection was changed."""
    assert run() == (0, "updated  x\n1 updated, 1 total\n", "")
    assert server.paths == ["/api/v1/user-collections/tools/refresh-cache"]
    assert server.requests[0][2]["authorization"] == f"Bearer {TOKEN}"


def test_several_are_one_call(server):
    run(changed=("a", "b"))
    assert server.paths == ["/api/v1/user-collections/refresh-cache"]


def test_a_command_that_failed_in_part_tells_what_it_changed(server):
    assert run(outcome=ItemOutcome.FAILED)[0] == 1
    assert run(error=NotFound("gone"))[0] == 1
    assert run(error=KeyboardInterrupt())[0] == 130
    assert len(server.paths) == 3


@pytest.mark.parametrize(
    ("args", "attributes"), [(["--dry-run"], {}), ([], {"changed": ()})], ids=["dry run", "unchanged"]
)
def test_a_dry_run_and_a_command_that_changed_nothing_tell_nobody(server, args, attributes):
    assert run(*args, **attributes)[0] == 0
    assert server.paths == []


def test_nobody_is_told_where_no_server_is_named(settings, server):
    settings.SKILLMEAT_API_URL = ""
    assert run() == (0, "updated  x\n1 updated, 1 total\n", "")
    assert server.paths == []


@pytest.mark.parametrize("status", [401, 404, 500, 307])
def test_a_refusing_server_never_fails_the_command(server, status):
    server.status = status
    code, out, err = run("--json")
    assert code == 0
    assert json.loads(out)["summary"]["updated"] == 1
    assert len(err.splitlines()) == 1
    assert err.startswith("warning: ")
    assert TOKEN not in out + err


def test_a_server_that_is_away_never_fails_the_command(settings):
    settings.SKILLMEAT_API_URL = f"http://127.0.0.1:{closed_port()}"
    code, _, err = run()
    assert (code, len(err.splitlines())) == (0, 1)


def test_an_interrupt_while_telling_leaves_the_exit_code(server, monkeypatch):
    def interrupted(self, changed):
        raise KeyboardInterrupt

    monkeypatch.setattr(RunningServer, "tell", interrupted)
    code, _, err = run()
    assert code == 0
    assert "interrupted" in err


def test_output_is_there_before_the_server_is_asked(server, monkeypatch):
    written = []
    command_out = StringIO()
    monkeypatch.setattr(RunningServer, "tell", lambda self, changed: written.append(command_out.getvalue()) or "")
    call_command(Changing(stdout=command_out, stderr=StringIO()))
    assert written == ["updated  x\n1 updated, 1 total\n"]
