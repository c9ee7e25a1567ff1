"""No secret comes through, and what is none stays readable."""

from __future__ import annotations

import base64

import pytest

from skillmeat_site.core.redaction import redact

TOKEN = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"used {TOKEN}.", TOKEN),
        ("github_pat_11ABCDEFG0_abcdefghijkl is wrong", "11ABCDEFG0"),
        ("gho_abcdefgh123 ghs_abcdefgh123 ghu_abcdefgh123 ghr_abcdefgh123", "abcdefgh123"),
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("authorization: token 0123456789abcdef", "0123456789abcdef"),
        (f"-H 'Basic {BASIC}'", BASIC),
        ("https://me:hunter2@github.com/a/b", "hunter2"),
        ("https://me:hun@ter2@github.com/a/b", "ter2"),
        ("http://onlytoken@host", "onlytoken"),
        ("our own smt_abcdefghijkl", "abcdefghijkl"),
    ],
)
def test_secrets_are_masked(text: str, secret: str) -> None:
    cleaned = redact(text)
    assert secret not in cleaned
    assert "***" in cleaned
    assert redact(cleaned) == cleaned


def test_given_secrets_are_masked_as_they_are_and_as_git_sends_them() -> None:
    encoded = base64.b64encode(b"x-access-token:s3cret").decode()
    assert redact(f"s3cret and {encoded}", ["s3cret", ""]) == "*** and ***"


@pytest.mark.parametrize(
    "text", ["a basic understanding of bearer instruments", "https://github.com/a/b@v1", "mail a@example.org", "ghp_x"]
)
def test_harmless_text_stays(text: str) -> None:
    assert redact(text) == text
