"""One process of somebody who writes while others do: ``python -m tests.writers KIND SOURCE_ID STOP_FILE``.

Says "ready", waits for a line on stdin, writes until the file is there, and prints as JSON how often it wrote, what
went wrong, and what it decided last.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import transaction  # noqa: E402

from marketplace.jobs import bulk_update_entries, rescan  # noqa: E402
from marketplace.models import CatalogEntry, Source  # noqa: E402
from marketplace.services.entries import set_excluded  # noqa: E402
from marketplace.services.sources import create_source, delete_source, update_source  # noqa: E402
from skillmeat_site.core.actor import COMMAND_LINE  # noqa: E402
from skillmeat_site.core.jobs import control, runner  # noqa: E402
from skillmeat_site.core.models.token import Scope  # noqa: E402
from skillmeat_site.core.tokens import issue_token, revoke_tokens  # noqa: E402

PAUSE = 0.02
"""Between two writes: somebody who clicks fast, and leaves the processors to others."""
MAX_ERRORS = 20
Decisions = dict[str, Any]
Writer = Callable[[int, int, Decisions], None]


def patch(source_id: int, n: int, decided: Decisions) -> None:
    """Change the source that is being scanned."""
    with transaction.atomic():
        source = Source.objects.select_for_update().get(pk=source_id)
        update_source(source, actor=COMMAND_LINE, changes={"tags": [f"round-{n}"], "scan_interval": 15 + n})
    decided["source"] = {"tags": [f"round-{n}"], "scan_interval": 15 + n}


def _entries(source_id: int, kind: int) -> list[int]:
    """Half of what was in the catalog before: two writers have one half each."""
    oldest = CatalogEntry.objects.filter(source=source_id).order_by("pk").values_list("pk", flat=True)
    return list(oldest[:100])[kind::2]


def exclude(source_id: int, n: int, decided: Decisions) -> None:
    """Exclude one entry after the other, and restore every third."""
    mine = _entries(source_id, 0)
    pk, excluded = mine[n % len(mine)], n % 3 != 0
    set_excluded([pk], excluded=excluded, reason=f"round {n}", actor=COMMAND_LINE)
    decided[str(pk)] = f"round {n}" if excluded else ""


def exclude_in_bulk(source_id: int, n: int, decided: Decisions) -> None:
    """Exclude and restore many at once, as a job."""
    params = {"ids": _entries(source_id, 1), "excluded": n % 2 == 0, "reason": f"round {n}"}
    runner.run_inline(bulk_update_entries, params, COMMAND_LINE).unwrap()
    decided.update({str(pk): f"round {n}" if n % 2 == 0 else "" for pk in params["ids"]})


def enqueue(source_id: int, n: int, decided: Decisions) -> None:
    """Queue the scan of another source, and think better of it."""
    other = Source.objects.exclude(pk=source_id).order_by("pk").values_list("pk", flat=True)[0]
    params = {"source_id": other, "force": False, "allow_removals": False}
    job = runner.enqueue(rescan, params, COMMAND_LINE)
    control.cancel(job, actor=COMMAND_LINE)
    decided["cancelled"] = n + 1


def tokens(source_id: int, n: int, decided: Decisions) -> None:
    """Make a token, and revoke it."""
    user, _ = get_user_model().objects.get_or_create(username="writer")
    row, _ = issue_token(user, scope=Scope.READ, actor=COMMAND_LINE, name=f"round {n}")
    if n % 2:
        revoke_tokens([row.pk], actor=COMMAND_LINE)
    decided["tokens"] = n + 1


def register(source_id: int, n: int, decided: Decisions) -> None:
    """Register a source, and forget it."""
    base = Source.objects.get(pk=source_id).url.removesuffix(".git")
    source = create_source(url=f"{base}-{n}.git", actor=COMMAND_LINE)
    delete_source(source, actor=COMMAND_LINE)


WRITERS: dict[str, Writer] = {
    writer.__name__: writer for writer in (patch, exclude, exclude_in_bulk, enqueue, tokens, register)
}


def main(kind: str, source_id: int, stop: Path) -> dict[str, Any]:
    writes, errors, slowest = 0, [], 0.0
    decided: Decisions = {}
    print("ready", flush=True)
    sys.stdin.readline()
    while not stop.exists() and len(errors) < MAX_ERRORS:
        began = time.monotonic()
        try:
            WRITERS[kind](source_id, writes, decided)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test counts it
            errors.append(f"{type(error).__name__}: {error}")
        slowest = max(slowest, time.monotonic() - began)
        writes += 1
        time.sleep(PAUSE)
    return {"writes": writes, "errors": errors, "slowest": round(slowest, 2), "decided": decided}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
