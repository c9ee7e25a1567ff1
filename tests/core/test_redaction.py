"""Secrets do not pass: in texts, and in log records whatever their shape."""

from __future__ import annotations

import io
import json
import logging
import logging.config

import pytest
import structlog

from skillmeat_site.core.logs import redact_event
from skillmeat_site.core.redaction import MASK, redact

GITHUB = "ghp_abcDEF0123456789abcDEF0123456789abcd"
SECRETS = {
    f"fatal: {GITHUB} is refused": GITHUB,
    "github_pat_11ABCDEFG0_abcdefghijklmnop": "github_pat_11ABCDEFG0_abcdefghijklmnop",
    "glpat-abcdefgh12345678": "abcdefgh12345678",
    "token smt_abcDEF-123_456 made": "smt_abcDEF-123_456",
    "Authorization: Bearer abcDEF123.456-789": "abcDEF123.456-789",
    "authorization: basic cm9vdDpyb290": "cm9vdDpyb290",
    "bearer abcDEF123456": "abcDEF123456",
    "https://user:pass1word@github.com/a/b": "pass1word",
    "ssh://git:s3cr3t@host:22/x": "s3cr3t",
    "https://user:p@ss@host/x": "ss@",
    "https://abcdef0123456789abcdef@host/x": "abcdef0123456789",
    "postgres://skill:hunter2@db:5432/skill": "hunter2",
}
HARMLESS = [
    "https://github.com/acme/tools", "a basic understanding", "the bearer of news", "file:///srv/repos/a.git",
    "token of appreciation", "commit 0123456789abcdef0123456789abcdef01234567", "see me@example.com", "",
]  # fmt: skip


@pytest.mark.parametrize(("text", "secret"), SECRETS.items())
def test_secrets_are_masked(text, secret):
    shown = redact(text)
    assert secret not in shown
    assert MASK in shown
    assert redact(shown) == shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text):
    assert redact(text) == text


def test_secrets_that_are_known_by_name():
    assert redact("the key is hunter2!", ["hunter2", ""]) == f"the key is {MASK}!"


@pytest.mark.parametrize(
    "shape",
    [
        lambda secret: secret,
        lambda secret: {"url": f"https://u:{secret}@host/x"},
        lambda secret: [{"headers": ("Authorization: Bearer " + secret,)}],
        lambda secret: ValueError(secret),
        lambda secret: {secret: 1},
    ],
    ids=["text", "mapping", "nested", "exception", "key"],
)
def test_no_shape_of_a_record_lets_a_secret_through(shape):
    event = redact_event(None, "info", {"event": "x", "value": shape(GITHUB), "n": 1, "flag": None})
    assert GITHUB not in str(event)
    assert (event["event"], event["n"], event["flag"]) == ("x", 1, None)


@pytest.fixture
def records(settings):
    """What handlers write, with the site's own configuration, as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=settings.LOGGING["formatters"]["structured"]["foreign_pre_chain"],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("kind", ["structlog", "standard library"])
def test_a_record_tells_its_ids_and_no_secret(records, kind):
    with structlog.contextvars.bound_contextvars(request_id="r-12345678", job_id="j-1"):
        try:
            raise RuntimeError(f"cannot use {GITHUB}")
        except RuntimeError:
            if kind == "structlog":
                structlog.get_logger("test").exception("it.broke", url="https://u:hunter2@host/x")
            else:
                logging.getLogger("test").exception("it broke at %s", "https://u:hunter2@host/x")
    [record] = records()
    assert (record["request_id"], record["job_id"], record["level"]) == ("r-12345678", "j-1", "error")
    assert "Traceback" in record["exception"]
    assert record["timestamp"].endswith("Z")
    assert GITHUB not in json.dumps(record)
    assert "hunter2" not in json.dumps(record)
