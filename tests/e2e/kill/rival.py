"""Run by ``test_rivals``: does one thing when told to, at the same time as another process does something else.

Says ``ready``, waits for a line, tries until nobody is in its way, prints what became of it. With ``--stop-at`` it
stops itself (SIGSTOP) at the first checkpoint of that name; whoever started it lets it go on.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from collections_app.errors import CollectionBusy  # noqa: E402
from collections_app.models import Artifact, Collection  # noqa: E402
from marketplace.errors import SourceBusy  # noqa: E402
from marketplace.models import EntryImport, Source  # noqa: E402
from skillmeat_site.core import leases  # noqa: E402
from skillmeat_site.core.errors import DomainError  # noqa: E402
from tests.collections_app.agreement import disagreements  # noqa: E402
from tests.e2e.kill import walk, worlds  # noqa: E402
from tests.marketplace.scanning import scan  # noqa: E402


def look() -> dict[str, Any]:
    return {
        "disagreements": disagreements(),
        "artifacts": sorted(Artifact.objects.values_list("name", flat=True)),
        "links": EntryImport.objects.count(),
        "held": Collection.objects.filter(lease_token__isnull=False).count(),
        "state": worlds.shown(worlds.state()),
    }


def prepare() -> str:
    worlds.begin()
    return "prepared"


def prepare_imported() -> str:
    worlds.begin()
    worlds.imported()
    worlds.taken()
    worlds.changed_upstream()
    return "prepared"


def prepare_changed() -> str:
    prepare_imported()
    worlds.imported(strategy="overwrite")
    return "prepared"


def rescan() -> str:
    scan(Source.objects.get())
    return "scanned"


ACTIONS: dict[str, Callable[[], Any]] = {
    "prepare": prepare,
    "prepare_imported": prepare_imported,
    "prepare_changed": prepare_changed,
    "import": worlds.imported,
    "import_over": lambda: worlds.imported(strategy="overwrite"),
    "reimport": lambda: worlds.reimport(keep=True),
    "restore": worlds.restore,
    "remove": worlds.remove,
    "rescan": rescan,
    "look": look,
}


def once(action: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"did": action()}
    except DomainError as error:
        return {"error": error.code}


def patiently(action: Callable[[], Any]) -> dict[str, Any]:
    while True:
        try:
            return {"did": action()}
        except (CollectionBusy, SourceBusy):
            time.sleep(0.01)


def stopping_at(name: str) -> Callable[[str], None]:
    due = [name]

    def reached(place: str) -> None:
        if place == due[0]:
            due[0] = ""
            os.kill(os.getpid(), signal.SIGSTOP)

    return reached


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=sorted(ACTIONS))
    parser.add_argument("--stop-at", default="")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--lease", type=int, default=leases.LEASE_SECONDS)
    given = parser.parse_args()
    leases.LEASE_SECONDS = given.lease
    if given.stop_at:
        walk.watch(stopping_at(given.stop_at))
    print("ready", flush=True)
    sys.stdin.readline()
    told = (once if given.once else patiently)(ACTIONS[given.action])
    print(json.dumps(told))
