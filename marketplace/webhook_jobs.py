"""What webhooks set going."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.jobs import rescan
from marketplace.services import webhooks
from marketplace.services.webhooks import Reaction
from skillmeat_site.core.actor import GITHUB
from skillmeat_site.core.jobs import runner


def receive(delivery_id: str, event: str, document: Mapping[str, Any]) -> Reaction:
    """Take in a delivery and queue what it asks for: of a storm, at most one scan that runs and one after it."""
    return webhooks.receive(delivery_id, event, document, schedule=_queue_scans)


def _queue_scans(sources: Sequence[int]) -> None:
    for pk in sources:
        params = {"source_id": pk, "force": False, "allow_removals": False, "after_push": True}
        runner.enqueue(rescan, params, GITHUB)
