"""Run by ``test_large``: imports from a repository with one thing that is far too large, and one that is not."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import django

django.setup()

from marketplace.models import CatalogEntry  # noqa: E402
from skillmeat_site.upstream.sample import create_repository  # noqa: E402
from tests.collections_app.agreement import disagreements  # noqa: E402
from tests.e2e.kill import worlds  # noqa: E402

GIBIBYTE = 1 << 30
FILES = 100_000
SKILL = b"---\ndescription: Does things\n---\n\nSteps.\n"


def one_gibibyte() -> Iterator[bytes]:
    yield b"M 100644 inline skills/large/SKILL.md\ndata %d\n%b\n" % (len(SKILL), SKILL)
    yield b"M 100644 inline skills/large/blob.bin\ndata %d\n" % GIBIBYTE
    yield from (bytes(1 << 20) for _ in range(GIBIBYTE >> 20))
    yield b"\n"


def commits(kind: str) -> Iterator[bytes]:
    head = b"commit refs/heads/main\ncommitter S <s@example.invalid> 1767225600 +0000\ndata 5\nfirst\n"
    small = b"M 100644 inline skills/small/SKILL.md\ndata %d\n%b\n" % (len(SKILL), SKILL)
    if kind == "bytes":
        yield head + small
        yield from one_gibibyte()
        return
    yield b"blob\nmark :1\ndata %d\n%b\n" % (len(SKILL), SKILL) + head + small
    yield b"M 100644 :1 skills/large/SKILL.md\n"
    yield from (b"M 100644 :1 skills/large/d%03d/f%05d\n" % (number // 500, number) for number in range(FILES))


def main(kind: str) -> None:
    create_repository(worlds.REPOSITORY)
    git = ["git", "-c", "core.bigFileThreshold=1m", f"--git-dir={worlds.REPOSITORY}", "fast-import", "--quiet"]
    with subprocess.Popen(git, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for part in commits(kind):
            process.stdin.write(part)
    assert process.returncode == 0
    worlds.scan(worlds.create_source(url=f"file://{worlds.REPOSITORY}", actor=worlds.COMMAND_LINE))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    entries = CatalogEntry.objects.order_by("path")
    result = worlds.ImportCoordinator().import_entries(list(entries), entries[0].source_id)
    print(
        json.dumps(
            {
                "ends": {
                    entry.path: [end.status, end.code] for entry, end in zip(entries, result.entries, strict=True)
                },
                "disagreements": disagreements(),
                "mebibytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
                "of_git": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
                "seconds": round(time.monotonic() - began, 1),
            }
        )
    )


main(sys.argv[1])
