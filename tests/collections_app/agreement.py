"""Whether disk and database agree, found out without any of the code that has to bring that about.

Reads files with ``hashlib`` and ``tomllib``, snapshots with git itself, rows with the ORM, and holds them against each
other. What it returns is empty where every one of them tells the same story.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from collections_app.models import Artifact, Collection, Deployment, Project, Snapshot
from marketplace.models import EntryImport

FOLDERS = {"skill": "skills", "plugin": "plugins"}
FILES = {
    "command": ("commands", ".md"),
    "agent": ("agents", ".md"),
    "hook": ("hooks", ".json"),
    "mcp": ("mcp", ".json"),
}
RECORD = ".claude/.skillmeat-deployed.toml"
MERGED = ("hook", "mcp")


def blob(data: bytes) -> str:
    """The id that ``git hash-object`` gives."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def content_id(path: Path) -> str:
    """The id that git gives a file, a link or a folder (``git mktree``); empty where there is nothing."""
    if path.is_symlink():
        return blob(os.fsencode(os.readlink(path)))
    if path.is_file():
        return blob(path.read_bytes())
    return _tree(path) if path.is_dir() else ""


def _tree(folder: Path) -> str:
    rows = []
    for path in folder.iterdir():
        name = os.fsencode(path.name)
        if path.is_dir() and not path.is_symlink():
            if any(inner.is_symlink() or not inner.is_dir() for inner in path.rglob("*")):  # git has no empty folders
                rows.append((name + b"/", b"40000 " + name, _tree(path)))
        else:
            rows.append((name, _mode(path) + b" " + name, content_id(path)))
    body = b"".join(head + b"\0" + bytes.fromhex(oid) for _, head, oid in sorted(rows))
    return hashlib.sha1(b"tree %d\0" % len(body) + body).hexdigest()


def _mode(path: Path) -> bytes:
    if path.is_symlink():
        return b"120000"
    return b"100755" if path.stat().st_mode & stat.S_IXUSR else b"100644"


def home() -> Path:
    return Path(settings.SKILLMEAT_HOME)


def on_disk(folder: Path) -> dict[tuple[str, str], str]:
    """(type, name) → content id of everything in a collection's folder that looks like an artifact."""
    found = {}
    for type_, name in FOLDERS.items():
        for path in sorted((folder / name).glob("*")):
            found[type_, path.name] = content_id(path)
    for type_, (name, suffix) in FILES.items():
        for path in sorted((folder / name).rglob(f"*{suffix}")):
            parts = path.relative_to(folder / name).with_suffix("").parts
            found[type_, ":".join(parts)] = content_id(path)
    return found


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text()) if path.exists() else {}


def disagreements(*, unmanaged: frozenset[str] = frozenset(), trash: int = 0) -> list[str]:
    """Everything that does not fit; ``unmanaged``: artifacts (``skill:a``) that somebody has put there by hand.

    ``trash``: so many things may lie in the home's trash.
    """
    found = [*_strays(trash), *_snapshots()]
    rows = {row.slug: row for row in Collection.objects.all()}
    folders = {path.name: path for path in sorted((home() / "collections").glob("*"))}
    found += [f"{slug}: a folder that no row knows" for slug in sorted(folders.keys() - rows.keys())]
    for slug, row in sorted(rows.items()):
        found += _collection(row, home() / "collections" / slug, unmanaged)
    for project in Project.objects.order_by("pk"):
        found += _project(project)
    return found


def _strays(trash: int) -> Iterator[str]:
    for path in sorted((home() / "journal").glob("*")):
        yield f"journal: {path.name}"
    lying = sorted((home() / "trash").glob("*"))
    if len(lying) > trash:
        yield f"trash: {[path.name for path in lying]}"
    for root in (home() / "collections", home(), *(Path(row.path) for row in Project.objects.all())):
        yield from (f"stray: {path}" for path in sorted(root.rglob(".skillmeat")))


def _snapshots() -> Iterator[str]:
    """Every row's commit is there, whole, with every object that it needs."""
    rows = list(Snapshot.objects.values_list("commit_oid", "tree_oid"))
    if not rows:
        return
    asked = "".join(f"{commit}^{{tree}}\n" for commit, _ in rows)
    told = _git("cat-file", "--batch-check=%(objectname)", stdin=asked).splitlines()
    yield from (
        f"snapshot {commit}: {line}" for (commit, tree), line in zip(rows, told, strict=True) if line.strip() != tree
    )
    _git("fsck", "--no-dangling", "--no-progress")


def _git(*arguments: str, stdin: str = "") -> str:
    command = ["git", f"--git-dir={home() / 'store.git'}", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def _collection(row: Collection, folder: Path, unmanaged: frozenset[str]) -> Iterator[str]:
    records = {(one["type"], one["name"]): one for one in toml(folder / "collection.toml").get("artifacts", [])}
    locks = toml(folder / "collection.lock").get("lock", {}).get("entries", {})
    rows = {(one.type, one.name): one for one in Artifact.objects.filter(collection=row)}
    by_hand = {tuple(one.split(":", 1)) for one in unmanaged}
    files = {ref: oid for ref, oid in on_disk(folder).items() if ref not in by_hand}
    told = {
        "files": files.keys(),
        "collection.toml": records.keys(),
        "rows": {ref for ref in rows if ref not in by_hand},
    }
    for name, refs in told.items():
        if refs != files.keys():
            yield f"{row.slug}: {name} has {sorted(refs)}, the folder {sorted(files)}"
    imported = {ref: one for ref, one in records.items() if one.get("base_oid")}
    locked = {tuple(reversed(key.rsplit("::", 1))) for key in locks}
    if not locked <= records.keys() or not imported.keys() <= locked:
        yield f"{row.slug}: collection.lock has {sorted(locked)}, collection.toml {sorted(records)}"
    for ref, oid in files.items():
        if ref in records and ref in rows:
            lock = locks.get(f"{ref[1]}::{ref[0]}", {})
            yield from (f"{row.slug} {ref}: {text}" for text in _artifact(oid, records[ref], lock, rows[ref]))


def _artifact(oid: str, record: dict[str, Any], lock: dict[str, Any], row: Artifact) -> Iterator[str]:
    """One artifact: each of the four says the same of it."""
    told = {
        "content of the record": (record["content_oid"], oid),
        "content of the row": (row.content_oid, oid),
        "content of the lock": (lock.get("content_oid", record["content_oid"]), record["content_oid"]),
        "base of the row": (row.base_oid, record.get("base_oid", "")),
        "commit of the row": (row.base_commit, record.get("resolved_sha", "")),
        "commit of the lock": (lock.get("resolved_sha", record.get("resolved_sha")), record.get("resolved_sha")),
        "id": (row.pk.hex, record["uuid"]),
        "path": (row.path, record["path"].rstrip("/")),
        "pin": (row.pin, record.get("pin", "")),
        "tags": (row.tags, record.get("tags", [])),
        "upstream": (row.upstream_url, record.get("upstream", "")),
        "problem": (row.problem_code, ""),
    }
    yield from (f"{what}: {one!r}, not {other!r}" for what, (one, other) in told.items() if one != other)
    links = list(EntryImport.objects.filter(artifact=row).select_related("entry__source"))
    if (len(links) == 1) != (record["origin"] == "marketplace"):
        yield f"{len(links)} entries are said to be imported as this"
    for link in links:
        if (link.entry.source.url, link.entry.path) != (row.upstream_url, row.upstream_path):
            yield f"imported from {link.entry}, recorded {row.upstream_url} {row.upstream_path}"


def _project(project: Project) -> Iterator[str]:
    folder = Path(project.path)
    record = toml(folder / RECORD).get("deployed", [])
    told = {(one["artifact_type"], one["artifact_name"], one["content_oid"]) for one in record}
    rows = list(Deployment.objects.filter(project=project))
    if told != {(row.type, row.name, row.content_oid) for row in rows}:
        yield f"{project}: recorded {sorted(told)}, rows {[(row.type, row.name, row.content_oid) for row in rows]}"
    for row in rows:
        if row.type not in MERGED and content_id(folder / row.target) != row.content_oid:
            yield f"{project}: {row.target} is not what was deployed"
