"""One process of the benchmark of rescans at once: ``python -m tests.benchmarks.rescan_process ID…``.

Rescans each source in a thread of its own as soon as a line comes on stdin; prints how each ended, as JSON.
"""

from __future__ import annotations

import json
import sys
import threading

import django

django.setup()

from django.db import connection  # noqa: E402

from marketplace.jobs import rescan  # noqa: E402
from skillmeat_site.core.actor import COMMAND_LINE  # noqa: E402
from skillmeat_site.core.errors import DomainError  # noqa: E402
from skillmeat_site.core.jobs import runner  # noqa: E402


def main(ids: list[int]) -> list[str]:
    endings: list[str] = []
    together = threading.Barrier(len(ids))

    def scan(source_id: int) -> None:
        together.wait()
        try:
            params = {"source_id": source_id, "force": True, "allow_removals": False}
            result = runner.run_inline(rescan, params, COMMAND_LINE).unwrap().to_json()
            endings.append(f"{result['artifacts_found']} found")
        except DomainError as error:
            endings.append(error.code)
        except Exception as error:  # noqa: BLE001 - whatever it is, the benchmark counts it
            endings.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=scan, args=[source_id]) for source_id in ids]
    print("ready", flush=True)
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return endings


if __name__ == "__main__":
    print(json.dumps(main([int(word) for word in sys.argv[1:]])))
