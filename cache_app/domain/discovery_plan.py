"""What a discovery does with each folder, from what is known and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ERROR = "error"


class Seen(StrEnum):
    """What stands at a path."""

    PROJECT = "project"  # a record, understood
    FOLDER = "folder"  # no record
    GONE = "gone"
    UNKNOWN = "unknown"  # it cannot be told: an unreadable folder, a file system that is not there


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a registered project. ``fingerprint`` "" : its records were never seen by a discovery."""

    fingerprint: str = ""
    discovered: bool = False
    rows_agree: bool = True


def fate(seen: Seen, fingerprint: str, known: Remembered | None) -> Fate:
    """The fate of one folder. ``known`` None: it is not registered, and then it was found with a record.

    A folder that people registered stays registered without a record; one that a discovery found does not: the record
    was all that made it a project. What cannot be told is never taken for gone.
    """
    if seen is Seen.UNKNOWN:
        return Fate.ERROR
    if known is None:
        return Fate.ADDED
    if seen is Seen.GONE or (seen is Seen.FOLDER and known.discovered):
        return Fate.REMOVED
    same = fingerprint == known.fingerprint if known.fingerprint else known.rows_agree
    return Fate.UNCHANGED if same else Fate.CHANGED
