"""Asking the REST face in tests, and what every refusal has to look like."""

from __future__ import annotations

import json
from typing import Any

BASE = "/api/v1/marketplace"
PROBLEM = {"type", "title", "status", "detail", "code", "errors", "request_id"}


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem that the answer is; it must be one of this status and code."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert set(body) >= PROBLEM
    assert body["detail"]
    return body


def ok(answer: Any, status: int = 200) -> Any:
    """The body of a good answer."""
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def pages(client: Any, url: str) -> list[dict[str, Any]]:
    """All pages of a list by cursor, following ``next``."""
    found = []
    while url:
        found.append(ok(client.get(url)))
        url = found[-1]["next"]
    return found


def post_ascii(client: Any, url: str, body: Any) -> Any:
    """Post JSON in ASCII escapes, which can say what UTF-8 cannot: a lone surrogate."""
    return client.post(url, json.dumps(body), content_type="application/json")
