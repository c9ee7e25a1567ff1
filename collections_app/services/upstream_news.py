"""What is new upstream, told to the artifacts that came from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from collections_app.models import Artifact
from skillmeat_site.core.bulk import update_rows


class UpstreamNews(NamedTuple):
    """``oid``: what upstream has now; empty where it has nothing any more, and ``code`` says why."""

    artifact_id: UUID
    oid: str
    commit: str
    code: str = ""


def note_upstream(news: Sequence[UpstreamNews]) -> int:
    """Write what upstream has now of each artifact; return how many are known.

    One statement for those that are there and one for those that are gone, whose last known content stays; none for
    no news. Call it in the transaction of whoever learnt it.
    """
    now = timezone.now()
    stamp = {"checked_at": now, "updated_at": now}
    there = [
        {"pk": row.artifact_id, "upstream_oid": row.oid, "upstream_commit": row.commit, "check_code": "", **stamp}
        for row in news
        if row.oid
    ]
    gone = [{"pk": row.artifact_id, "check_code": row.code, **stamp} for row in news if not row.oid]
    told = 0
    if there:
        told += update_rows(Artifact, there, ("upstream_oid", "upstream_commit", "check_code", *stamp))
    if gone:
        told += update_rows(Artifact, gone, ("check_code", *stamp))
    return told
