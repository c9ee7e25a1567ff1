"""Looking for updates: how each artifact stands to its own content upstream. Changes no file."""

from __future__ import annotations

from collections.abc import Collection as Group
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from collections_app.domain.refresh_options import RefreshOptions
from collections_app.domain.refresh_plan import Theirs, Why
from collections_app.domain.types import ArtifactRef
from collections_app.models import Artifact
from collections_app.services.holding import find_collection
from collections_app.services.refresh_reading import Reading, read_mine
from collections_app.services.refresh_results import UpdateCheckResult
from collections_app.services.refresh_upstream import Answers, Question, ask_upstream
from skillmeat_site.core.bulk import update_rows
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.transactions import repeatably


def check_updates(slug: str, options: RefreshOptions, *, report: Report, dry_run: bool = False) -> UpdateCheckResult:
    """Tell of each artifact whether upstream has another version of it; pins and refs count.

    What was seen is written into the index, in one transaction; the collection is not held. Raises NotFound,
    ManifestInvalid, DiskDenied, InvalidParameter for unknown ids.
    """
    collection = find_collection(slug)
    reading = read_mine(collection, options.filters, with_written=False)
    wanted = [mine for mine in reading.mine if mine.has_upstream]
    answers = ask_upstream(wanted, reading, Question(documents=False), report)
    if not dry_run:
        repeatably(lambda: note_seen(reading, answers))
    told = [error.reset_at for error in answers.limited.values() if error.reset_at]
    checked = [(mine, answers.theirs.get(mine.ref)) for mine in reading.mine]
    return UpdateCheckResult(slug, timezone.now(), checked, dry_run, min(told, default=None))


def seen_columns(theirs: Theirs, now: datetime) -> dict[str, Any]:
    """The columns that tell what upstream has."""
    code = Why.MOVED.value if theirs.moved_to else ""
    return {"upstream_oid": theirs.oid, "upstream_commit": theirs.commit, "checked_at": now, "check_code": code}


def note_seen(reading: Reading, answers: Answers, *, but: Group[ArtifactRef] = ()) -> None:
    """Write what upstream said into the rows, one statement per 5,000; a failure keeps what was seen before it.

    What was not asked because of a limit stays as it is. Call it in a transaction.
    """
    now = timezone.now()
    left_out = set(but)
    rows = []
    for mine in reading.mine:
        theirs, last = answers.theirs.get(mine.ref), reading.seen.get(mine.id)
        if theirs is None or last is None or mine.ref in left_out:
            continue
        if isinstance(theirs, Theirs):
            rows.append({"pk": UUID(mine.id), **seen_columns(theirs, now)})
        elif not theirs.deferred:
            kept = {"upstream_oid": last.oid, "upstream_commit": last.commit}
            rows.append({"pk": UUID(mine.id), **kept, "checked_at": now, "check_code": theirs.code[:50]})
    if rows:
        update_rows(Artifact, rows, ("upstream_oid", "upstream_commit", "checked_at", "check_code"))
