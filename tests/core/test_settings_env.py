"""Reading the environment: a wrong value stops the start, with its name and what is allowed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from skillmeat_site.settings.database import SQLITE_OPTIONS, database
from skillmeat_site.settings.env import Environment
from skillmeat_site.settings.queue import safe_retry

ROOT = Path(__file__).resolve().parents[2]
HOME = Path("/somewhere")

READERS = {
    "text": lambda env: env.text("X", "default"),
    "boolean": lambda env: env.boolean("X", False),
    "integer": lambda env: env.integer("X", 5, minimum=1, maximum=10),
    "number": lambda env: env.number("X", 0.5, minimum=0.1, maximum=2),
    "words": lambda env: env.words("X", ("a", "b")),
    "path": lambda env: env.path("X", HOME),
    "paths": lambda env: env.paths("X"),
    "url": lambda env: env.url("X", "https://github.com"),
    "mapping": lambda env: env.mapping("X", {"a": "b"}),
}
GOOD = [
    ("text", None, "default"), ("text", " a b ", "a b"), ("text", "", ""),
    *(("boolean", word, True) for word in ("1", "true", "YES", "On")),
    *(("boolean", word, False) for word in (None, "0", "false", "No", "off")),
    ("integer", None, 5), ("integer", "1", 1), ("integer", " 10 ", 10),
    ("number", None, 0.5), ("number", "2", 2.0), ("number", "0.1", 0.1),
    ("words", None, ["a", "b"]), ("words", "", []), ("words", " x, ,y,", ["x", "y"]),
    ("path", None, HOME), ("path", "/a/b", Path("/a/b")), ("path", "~/x", Path.home() / "x"),
    ("paths", None, []), ("paths", "/a, /b", [Path("/a"), Path("/b")]),
    ("url", None, "https://github.com"), ("url", "http://host:80/x/", "http://host:80/x"), ("url", "", ""),
    ("mapping", None, {"a": "b"}), ("mapping", "x = y,z=w", {"x": "y", "z": "w"}),
]  # fmt: skip
WRONG = [
    *(("boolean", word, "one of 0, 1, false, no, off, on, true, yes") for word in ("maybe", "", "2")),
    ("integer", "x", "a whole number"), ("integer", "1.5", "a whole number"), ("integer", "", "a whole number"),
    ("integer", "0", "between 1 and 10"), ("integer", "11", "between 1 and 10"),
    ("number", "x", "a number"), ("number", "nan", "between 0.1 and 2"), ("number", "inf", "between 0.1 and 2"),
    ("number", "0", "between 0.1 and 2"),
    ("path", "a/b", "an absolute path"), ("path", "", "an absolute path"), ("paths", "/a,b", "absolute paths"),
    ("url", "github.com", "a URL that starts with https:// or http://"), ("url", "ftp://x", "a URL that starts"),
    ("mapping", "x", "key=value"), ("mapping", "=y", "key=value"), ("mapping", "x=", "key=value"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "value"), GOOD)
def test_values(kind, given, value):
    assert READERS[kind](Environment({} if given is None else {"X": given})) == value


@pytest.mark.parametrize(("kind", "given", "allowed"), WRONG)
def test_a_wrong_value_names_the_variable_and_what_is_allowed(kind, given, allowed):
    with pytest.raises(ImproperlyConfigured) as caught:
        READERS[kind](Environment({"X": given}))
    assert str(caught.value).startswith("X=")
    assert allowed in str(caught.value)


def test_a_value_from_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("  7\n")
    env = Environment({"X_FILE": str(file)})
    assert (env.text("X"), READERS["integer"](env)) == ("7", 7)
    assert Environment({"X_FILE": "", "X": "3"}).text("X") == "3"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(tmp_path, content):
    file = tmp_path / "secret"
    if content:
        file.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=r"X_FILE names a file that cannot be read: .*/secret"):
        Environment({"X_FILE": str(file)}).text("X")


def test_value_and_file_together_are_refused(tmp_path):
    with pytest.raises(ImproperlyConfigured, match="X and X_FILE are both set"):
        Environment({"X": "a", "X_FILE": str(tmp_path / "x")}).text("X")


def test_it_remembers_what_was_asked_for():
    env = Environment({})
    READERS["integer"](env)
    assert env.known == {"X": "5"}


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "oracle://a@b/c", "postgres://u@h:port/x"])
def test_other_databases_are_refused_by_name(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database(url)


def test_databases():
    sqlite = database("sqlite:////tmp/x.sqlite3")
    assert (sqlite["OPTIONS"], sqlite["CONN_MAX_AGE"]) == (SQLITE_OPTIONS, 0)
    postgres = database("postgres://u:p@h:5433/x")
    assert (postgres["HOST"], postgres["PORT"], postgres["CONN_HEALTH_CHECKS"]) == ("h", 5433, True)


@pytest.mark.parametrize(("workers", "limit", "retry"), [(1, 1, 360), (2, 1, 260), (4, 4, 360), (2, 16, 1060)])
def test_retry_follows_the_clock_that_starts_early(workers, limit, retry):
    assert safe_retry(timeout=100, workers=workers, queue_limit=limit) == retry


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "https://d.example/api"),
        ("", "https://d.example/api"),
        ("OFF", ""),
        ("https://e.example/v3/", "https://e.example/v3"),
    ],
)
def test_a_url_or_off(value, expected):
    env = Environment({} if value is None else {"X": value})
    assert env.url_or_off("X", "https://d.example/api") == expected
    assert env.known == {"X": "https://d.example/api"}


@pytest.mark.parametrize("value", ["no", "ftp://x", "example.org"])
def test_neither_a_url_nor_off(value):
    with pytest.raises(ImproperlyConfigured, match=r"X=.*off, or a URL"):
        Environment({"X": value}).url_or_off("X", "")


def test_choices():
    assert Environment({}).choices("X", ("a", "b"), ("b", "a")) == ["b", "a"]
    assert Environment({"X": " B ,b"}).choices("X", ("a",), ("a", "b")) == ["b"]
    for wrong in ("", ",", "a,c"):
        with pytest.raises(ImproperlyConfigured, match="of a, b"):
            Environment({"X": wrong}).choices("X", ("a",), ("a", "b"))


# --- whole starts, each a process ---


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "https://api.github.com"),
        ({"SKILLMEAT_GITHUB_URL": "https://github.com/"}, "https://api.github.com"),
        ({"SKILLMEAT_GITHUB_URL": "https://git.corp.example"}, "https://git.corp.example/api/v3"),
        ({"SKILLMEAT_GITHUB_API_URL": "off"}, ""),
    ],
    ids=["default", "spelled out", "enterprise", "off"],
)
def test_githubs_api_follows_githubs_url(tmp_path, variables, expected):
    process = start(tmp_path, "print(repr(settings.SKILLMEAT_GITHUB_API_URL))", **variables)
    assert process.communicate(timeout=60)[0].strip() == repr(expected)


def start(tmp_path, code="pass", **variables):
    environment = {"PATH": os.environ["PATH"], "SKILLMEAT_HOME": str(tmp_path / "site"), **variables}
    return subprocess.Popen(
        [sys.executable, "-c", f"import django; from django.conf import settings; settings.DEBUG; {code}"],
        cwd=ROOT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("SKILLMEAT_QUEUES", "express=skillmeat", "default, scan, long"),
        ("SKILLMEAT_UPSTREAM_TIMEOUT", "0", "between 1 and 600"),
        ("DATABASE_URL", "mysql://x", "sqlite"),
        ("SKILLMEAT_GITHUB_API_URL", "api.github.com", "off, or a URL"),
        ("SKILLMEAT_GITHUB_TIERS", "rest,svn", "webhook, graphql, rest, git"),
        ("SKILLMEAT_LOG_LEVEL", "LOUD", "DEBUG"),
        ("SKILLMEAT_LOG_FORMAT", "xml", "json"),
    ],
)
def test_a_wrong_value_stops_the_start(tmp_path, variable, value, told):
    process = start(tmp_path, "django.setup()", **{variable: value})
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    last = err.strip().splitlines()[-1]
    assert variable in last
    assert told in last


def test_two_processes_that_start_at_once_have_one_secret_key(tmp_path):
    processes = [start(tmp_path, "print(settings.SECRET_KEY)") for _ in range(3)]
    keys = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(keys) == 1
    assert len(keys.pop()) >= 64
    kept = tmp_path / "site" / "secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir() if "secret" in path.name] == ["secret_key"]
    given = start(tmp_path, "print(settings.SECRET_KEY)", SECRET_KEY="x" * 60)
    assert given.communicate(timeout=60)[0].strip() == "x" * 60
