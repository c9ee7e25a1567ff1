"""Importing in tests: every import is checked to add up, and disk, records and rows to agree after it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from collections_app.models import Artifact, Collection
from collections_app.services.homes import home
from collections_app.services.indexing import read_index
from marketplace.models import CatalogEntry, Source
from marketplace.services.import_results import ImportResult, ReimportResult
from marketplace.services.import_run import ImportOptions, strategy_of
from marketplace.services.importing import import_source_entries
from marketplace.services.reimport import ReimportOptions, reimport_entry
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.conftest import Repository

EXECUTABLE, LINK = "100755", "120000"


def git(repository: Repository | Path, *args: str, stdin: bytes = b"") -> str:
    path = repository.path if isinstance(repository, Repository) else repository
    done = subprocess.run(["git", "-C", str(path), *args], input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit_files(
    repository: Repository, files: Mapping[str, tuple[str, bytes] | None], branch: str = "main", orphan: bool = False
) -> str:
    """Commit bytes under any mode; returns the commit."""
    repository.time += 60
    body = f"commit refs/heads/{branch}\ncommitter T <t@example.invalid> {repository.time} +0000\ndata 1\nx\n".encode()
    if not orphan and git(repository, "for-each-ref", f"refs/heads/{branch}"):
        body += f"from refs/heads/{branch}^0\n".encode()
    for path, what in files.items():
        body += f"D {path}\n".encode() if what is None else b""
        if what is not None:
            body += f"M {what[0]} inline {path}\ndata {len(what[1])}\n".encode() + what[1] + b"\n"
    git(repository, "fast-import", "--quiet", "--force", stdin=body)
    return git(repository, "rev-parse", f"refs/heads/{branch}")


def ids(source: Source, **chosen: Any) -> list[int]:
    return list(source.entries.filter(**chosen).order_by("path", "pk").values_list("pk", flat=True))


def bring(
    source: Source, wanted: Sequence[int] | None = None, *, report: Any = None, job_id: Any = None, **options: Any
) -> ImportResult:
    """Import entries (all), and check what holds after every import whatever it did."""
    chosen = ImportOptions(**{**options, "strategy": strategy_of(options.get("strategy", "skip"))})
    before = index() if chosen.dry_run else None
    result = import_source_entries(
        source,
        ids(source) if wanted is None else wanted,
        options=chosen,
        actor=COMMAND_LINE,
        report=report or SilentReport(),
        job_id=job_id,
    )
    told = result.to_json()
    counts = [told[f"{name}_count"] for name in ("success", "skipped", "conflict", "error")]
    assert sum(counts) == len(told["entries"]) == told["summary"]["total"]
    assert told["summary"]["total"] == sum(count for name, count in told["summary"].items() if name != "total")
    if before is not None:
        assert index() == before
    agree(chosen.collection)
    return result


def anew(source: Source, pk: int, **options: Any) -> ReimportResult:
    try:
        return reimport_entry(
            source, pk, options=ReimportOptions(**options), actor=COMMAND_LINE, report=SilentReport()
        )
    finally:
        for collection in Collection.objects.all():
            agree(collection.slug)


def index() -> list[tuple[Any, ...]]:
    return list(Artifact.objects.order_by("pk").values_list())


def agree(slug: str = "default") -> None:
    """Files, collection.toml and rows say the same; nothing is left over."""
    collection = Collection.objects.filter(slug=slug).first()
    if collection is None:
        assert not folder(slug).exists()
        return
    assert collection.lease_token is None
    assert not list(home().journal.glob("*"))
    if folder(slug).exists():
        assert not (folder(slug) / ".skillmeat").exists()
        plan = read_index(collection).result
        # What somebody put there by hand is in no row yet, and edits are: nothing else may differ.
        assert not plan.removed


def folder(slug: str = "default") -> Path:
    return home().collection(slug)


def on_disk(slug: str = "default") -> list[str]:
    """Every file of the artifacts."""
    place = folder(slug)
    files = [path for path in place.rglob("*") if path.is_symlink() or path.is_file()]
    return sorted(path.relative_to(place).as_posix() for path in files if path.parent != place)


def statuses(result: ImportResult) -> list[tuple[str, str]]:
    """(status, name or code) of each entry."""
    return [(entry.status.value, entry.code or entry.name) for entry in result.entries]


def artifact(name: str, type_: str = "skill", slug: str = "default") -> Artifact:
    return Artifact.objects.get(collection__slug=slug, type=type_, name=name)


def entry(source: Source, path: str, **more: Any) -> CatalogEntry:
    return CatalogEntry.objects.for_list().get(source=source, path=path, **more)
