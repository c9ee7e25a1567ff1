"""Our reading of webhooks against ``@octokit/webhooks-methods``, and against deliveries that GitHub once made."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from skillmeat_site.upstream.webhooks import (
    SIGNATURE_PREFIX,
    Happened,
    is_signed,
    read_body,
    read_push,
    read_repository_event,
)
from tests.marketplace.answers import ok, refused
from tests.peers.running import ask, installed

pytestmark = pytest.mark.peer

SECRETS = ("It's a Secret to Everybody", "s", "k\u00e4se \U0001f9c0", "x" * 500)
BODIES = ("Hello, World!", "{}", '{"a": "\u00fc\u2028\U0001f9c0"}', " \r\n\t", "\u0000", "x" * 100_000)


def by_peer(asked: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """What the peer signs (secret, body) with, and what it says of the signature given."""
    installed("@octokit/webhooks-methods")
    names = ("secret", "body", "signature")
    told: list[dict[str, Any]] = ask("webhooks.mjs", [dict(zip(names, one, strict=True)) for one in asked])
    return told


def deliveries(event: str) -> list[dict[str, Any]]:
    """Recorded ones."""
    index = installed("@octokit/webhooks-examples") / "api.github.com" / "index.json"
    found: list[dict[str, Any]] = next(kind for kind in json.loads(index.read_text()) if kind["name"] == event)[
        "examples"
    ]
    return found


def signed(secret: str, body: str) -> str:
    return SIGNATURE_PREFIX + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def test_each_takes_what_the_other_signed() -> None:
    pairs = [(secret, body) for secret in SECRETS for body in BODIES]
    told = by_peer([(secret, body, signed(secret, body)) for secret, body in pairs])
    for (secret, body), answer in zip(pairs, told, strict=True):
        assert answer["good"] is True
        assert is_signed(body.encode(), answer["signature"], [secret])


def test_neither_takes_what_is_not_signed() -> None:
    secret, body = SECRETS[0], BODIES[0]
    good = signed(secret, body)
    wrong = [
        (secret, body + " ", good),
        (secret + " ", body, good),
        (secret, body, good[:-1]),
        (secret, body, good + "0"),
        (secret, body, good.removeprefix(SIGNATURE_PREFIX)),
        (secret, body, "sha1=" + hmac.new(secret.encode(), body.encode(), hashlib.sha1).hexdigest()),
    ]
    assert [answer["good"] for answer in by_peer(wrong)] == [False] * len(wrong)
    assert [is_signed(body.encode(), signature, [secret]) for secret, body, signature in wrong] == [False] * len(wrong)


@pytest.mark.django_db
@pytest.mark.parametrize("event", ["push", "repository", "ping"])
def test_recorded_deliveries_are_let_in_by_the_peers_signature_alone(event: str, settings: Any) -> None:
    settings.SKILLMEAT_WEBHOOK_SECRET = [SECRETS[0]]
    bodies = [json.dumps(document) for document in deliveries(event)]
    told = by_peer([(secret, body, "sha256=0") for secret in SECRETS[:2] for body in bodies])
    answers = [
        Client(enforce_csrf_checks=True).post(
            "/api/v1/webhooks/github", body, content_type="application/json",
            headers={"X-Hub-Signature-256": answer["signature"], "X-GitHub-Event": event},
        )
        for body, answer in zip(bodies * 2, told, strict=True)
    ]  # fmt: skip
    good, wrong = answers[: len(bodies)], answers[len(bodies) :]
    assert len(good) >= 4
    for answer in good:
        ok(answer, 202)
    for answer in wrong:
        refused(answer, 401, "not_authenticated")


def test_what_recorded_deliveries_tell() -> None:
    pushes = deliveries("push")
    for document in pushes:
        push = read_push(read_body(json.dumps(document).encode()))
        repository = document["repository"]
        if document["deleted"]:
            assert push is None
            continue
        assert push is not None
        assert push.ref == document["ref"]
        named = push.repository
        assert (named.id, named.full_name) == (repository["id"], repository["full_name"])
        assert named.default_branch == repository["default_branch"]
    assert {document["deleted"] for document in pushes} == {True, False}
    events = [read_repository_event(document) for document in deliveries("repository")]
    assert Counter((event.happened, event.was, event.new_default) for event in events if event) == {
        (Happened.PUBLICIZED, "", False): 3,
        (Happened.EDITED, "", False): 1,
        (Happened.EDITED, "", True): 1,
        # As it was recorded, it has the name that it had before.
        (Happened.RENAMED, "", False): 1,
        (Happened.TRANSFERRED, "octocat/Hello-World", False): 3,
    }
