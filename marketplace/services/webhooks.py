"""What a delivery of GitHub's means for the sources of its repository. Asks nothing upstream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from marketplace.models import Source, WebhookDelivery
from marketplace.models.delivery import DeliveryOutcome
from marketplace.services import scan_record
from marketplace.services.identity import github_address, occupant_of
from marketplace.services.sources import address_columns
from skillmeat_site.core.actor import GITHUB
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.leases import is_free
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.upstream.errors import UpstreamNotFound
from skillmeat_site.upstream.webhooks import (
    Happened,
    Named,
    RepositoryEvent,
    is_tracked,
    read_push,
    read_repository_event,
)

log = structlog.get_logger(__name__)

KEPT = timedelta(days=30)
"""How long a delivery is remembered. GitHub redelivers what is younger than three days."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """``scans``: the sources that have to be scanned because of it."""

    outcome: DeliveryOutcome
    scans: Sequence[int] = ()


IGNORED = Reaction(DeliveryOutcome.IGNORED)
Schedule = Callable[[Sequence[int]], None]
"""Queues a scan of each of these sources."""


def receive(delivery_id: str, event: str, document: Mapping[str, Any], *, schedule: Schedule) -> Reaction:
    """Take in a delivery whose signature was right. One that was taken in before is REPEATED, and does nothing.

    One transaction with what it brings about, ``schedule`` included: one that fails may be delivered again.
    """
    try:
        with transaction.atomic():
            if WebhookDelivery.objects.filter(delivery_id=delivery_id).exists():
                return Reaction(DeliveryOutcome.REPEATED)
            reaction = _react(event, document)
            WebhookDelivery.objects.create(
                delivery_id=delivery_id, event=event, outcome=reaction.outcome, received_at=timezone.now()
            )
            schedule(reaction.scans)
    except IntegrityError:
        if not WebhookDelivery.objects.filter(delivery_id=delivery_id).exists():
            raise
        return Reaction(DeliveryOutcome.REPEATED)  # the same one, delivered twice at once
    return reaction


def forget_deliveries() -> int:
    """Delete deliveries that are older than KEPT; returns how many."""
    deleted, _ = WebhookDelivery.objects.filter(received_at__lt=timezone.now() - KEPT).delete()
    return deleted


def _react(event: str, document: Mapping[str, Any]) -> Reaction:
    if "webhook" not in settings.SKILLMEAT_GITHUB_TIERS:
        return Reaction(DeliveryOutcome.OFF)
    if event == "ping":
        return Reaction(DeliveryOutcome.PONG)
    if event == "push":
        return _pushed(document)
    if event == "repository":
        told = read_repository_event(document)
        return _happened(told) if told else IGNORED
    return IGNORED


def _pushed(document: Mapping[str, Any]) -> Reaction:
    push = read_push(document)
    if push is None:
        return IGNORED
    return _scans(
        [
            source
            for source in _sources_of(push.repository)
            if is_tracked(push.ref, source.ref, push.repository.default_branch or _default_branch(source))
        ]
    )


def _scans(sources: Sequence[Source]) -> Reaction:
    """Disabled sources are left out, as by sweeps; those that back off are not: their repository is alive."""
    wanted = [source.pk for source in sources if source.enabled]
    return Reaction(DeliveryOutcome.QUEUED, wanted) if wanted else IGNORED


def _default_branch(source: Source) -> str:
    """As the last scan saw it."""
    return "" if source.ref else source.resolved_ref.removeprefix("refs/heads/")


def _sources_of(repository: Named, was: str = "") -> list[Source]:
    """By the repository's id; by its name, or the one it had, those whose id nobody knows yet."""
    try:
        keys = [github_address(name).key for name in (repository.full_name, was) if name]
    except DomainError:  # GitHub's host is not allowed any more
        keys = []
    if repository.id is None:
        wanted = Q(url_key__in=keys)
    else:
        wanted = Q(repository_id=repository.id) | Q(repository_id__isnull=True, url_key__in=keys)
    return list(Source.objects.filter(wanted).order_by("pk"))


def _happened(told: RepositoryEvent) -> Reaction:
    sources, now = _sources_of(told.repository, told.was), timezone.now()
    if not sources:
        return IGNORED
    if told.happened is Happened.EDITED:
        return _scans([source for source in sources if told.new_default and not source.ref])
    if told.happened in (Happened.RENAMED, Happened.TRANSFERRED):
        held = [source for source in sources if not _follow(source, told.repository, now)]
        scans = _scans(held).scans  # a scan follows by the id
    elif told.happened is Happened.PUBLICIZED:
        for source in sources:
            _note(source, "source.publicized", now, failures=0, not_before=None)
        scans = _scans(sources).scans
    else:
        scans = ()
        for source in sources:
            _note(source, f"source.{_ACTIONS[told.happened]}", now, **_columns(source, told.happened, now))
    return Reaction(DeliveryOutcome.CHANGED, scans)


_ACTIONS = {
    Happened.ARCHIVED: "archived",
    Happened.UNARCHIVED: "unarchived",
    Happened.DELETED: "gone_upstream",
}


def _columns(source: Source, happened: Happened, now: datetime) -> dict[str, Any]:
    """Entries stay whatever happens. A deleted repository makes its source unreachable, as a scan would."""
    if happened is not Happened.DELETED:
        return {"archived": happened is Happened.ARCHIVED}
    failed = scan_record.failed(source, UpstreamNotFound("GitHub tells that the repository was deleted"), now)
    return {name: failed[name] for name in ("last_error_code", "last_error_detail", "failures", "not_before")}


def _note(source: Source, action: str, now: datetime, **columns: Any) -> None:
    Source.objects.filter(pk=source.pk).update(**columns, updated_at=now)
    AuditEvent.record(GITHUB, action, source)


def _follow(source: Source, repository: Named, now: datetime) -> bool:
    """Let the source's URL follow; False while a scan holds it, which is not to be disturbed.

    Where another source has the address already, the URL stays, as after a scan (``rename_not_followed``).
    """
    address = github_address(repository.full_name, source.ref)
    columns: dict[str, Any] = {"repository_id": repository.id or source.repository_id, "updated_at": now}
    if occupant_of(source, address) is None:
        columns |= address_columns(address)
    else:
        log.warning("webhook.rename_not_followed", source_id=source.pk)
    free = Source.objects.filter(is_free(), pk=source.pk, url_key=source.url_key)
    if not scan_record.stamped(free, columns):
        return False
    if "url" in columns and columns["url"] != source.url:
        AuditEvent.record(GITHUB, "source.renamed", source, url=columns["url"])
    return True
