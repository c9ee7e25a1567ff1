"""A snapshot's commit: what stands in its message, and reading it back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from collections_app.store.history.errors import HistoryDamaged
from collections_app.store.history.types import Excluded, ExcludedReason, Snapshot

MAX_EXCLUDED = 100
"""What was left out is named in the commit up to this many; its number is always told."""
_IDENTITY = "SkillMeat <skillmeat@localhost>"
_ID = re.compile(r"\d{8}-\d{6}-\d{6}")
_ID_FORMAT = "%Y%m%d-%H%M%S-%f"


@dataclass(frozen=True, slots=True)
class Origin:
    """Why a snapshot was taken, and for whom."""

    reason: str
    job: str = ""
    actor: str = ""


def snapshot_id(moment: datetime) -> str:
    """Return the id of a snapshot taken at an aware moment; ids sort as their moments do."""
    return moment.astimezone(UTC).strftime(_ID_FORMAT)


def next_id(snapshot: str) -> str:
    """Return the id one microsecond later."""
    return snapshot_id(moment_of(snapshot) + timedelta(microseconds=1))


def moment_of(snapshot: str) -> datetime:
    """Return when a snapshot was taken. Raises ValueError where the text is no id."""
    if not _ID.fullmatch(snapshot):
        raise ValueError(f"{snapshot!r} is no id of a snapshot")
    return datetime.strptime(snapshot, _ID_FORMAT).replace(tzinfo=UTC)


def commit_body(
    tree: str, moment: datetime, origin: Origin, *, artifacts: int, excluded: Sequence[Excluded] = ()
) -> bytes:
    """Return a commit without parents."""
    reason = one_line(origin.reason) or "Snapshot"
    trailers = [
        ("Reason", reason),
        ("Job", one_line(origin.job)),
        ("Actor", one_line(origin.actor)),
        ("Artifacts", str(artifacts)),
        ("Excluded-Count", str(len(excluded))),
        *(("Excluded", f"{item.reason} {_escaped(item.path)}") for item in excluded[:MAX_EXCLUDED]),
    ]
    stamp = f"{_IDENTITY} {int(moment.timestamp())} +0000"
    message = "".join(f"{name}: {value}\n" for name, value in trailers if value)
    return f"tree {tree}\nauthor {stamp}\ncommitter {stamp}\n\n{reason}\n\n{message}".encode("utf-8", "replace")


def read_commit(slug: str, identifier: str, oid: str, body: bytes) -> Snapshot:
    """Read a commit made by ``commit_body``. Raises HistoryDamaged where it is something else."""
    try:
        head, _, message = body.decode("utf-8").partition("\n\n")
        tree = head.split("\n", 1)[0].removeprefix("tree ")
        fields: dict[str, str] = {}
        excluded = []
        for line in message.rpartition("\n\n")[2].splitlines():
            name, _, value = line.partition(": ")
            if name == "Excluded":
                reason, _, path = value.partition(" ")
                excluded.append(Excluded(_unescaped(path), ExcludedReason(reason)))
            else:
                fields[name] = value
        return Snapshot(
            slug=slug,
            id=identifier,
            commit_oid=oid,
            tree_oid=tree,
            created_at=moment_of(identifier),
            reason=fields.get("Reason", ""),
            job=fields.get("Job", ""),
            actor=fields.get("Actor", ""),
            artifact_count=int(fields.get("Artifacts", 0)),
            excluded_count=int(fields.get("Excluded-Count", 0)),
            excluded=tuple(excluded),
        )
    except ValueError as error:
        raise HistoryDamaged(f"commit {oid} is none of a snapshot") from error


def one_line(text: str) -> str:
    """Make a text fit for a trailer: no line of it can pretend to be another."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:500]


def _escaped(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("latin-1").encode("unicode_escape").decode("ascii")


def _unescaped(path: str) -> str:
    return path.encode("ascii").decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape")
