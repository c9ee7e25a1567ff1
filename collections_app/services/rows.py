"""The index rows of artifacts: what of a record, and of what lies on disk, goes into which column."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from collections_app.domain.artifact_edit import users_fields
from collections_app.domain.lockfile import LockEntry
from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.names import stored_ref
from collections_app.domain.types import ArtifactRef
from collections_app.models import Artifact, Collection
from skillmeat_site.core.bulk import insert_rows, update_rows
from skillmeat_site.core.documents.jsonable import to_jsonable
from skillmeat_site.core.text import storable

LATEST = "latest"
"""What SkillMeat 1.x writes as ``version_spec`` for the default branch."""
TOLD = ("title", "description", "author", "license", "version")
"""What stands in ``[artifacts.metadata]`` and has a column of its own."""
MAX_TEXT = 4_000

_RECORDED = (
    "type", "name", "path", "origin", "upstream_url", "upstream_ref", "upstream_path", "pin", "pin_reason", "base_oid",
    "base_commit", *TOLD, "tags", "metadata", "field_provenance",
)  # fmt: skip
_SEEN = ("content_oid", "problem_code", "problem_detail")
COMPARED = (*_RECORDED, *_SEEN)
"""The columns that are read from the files: equal means that the row needs no write."""
_WRITTEN = (*COMPARED, "synced_at", "updated_at")
_UNTOLD: Mapping[str, Any] = {
    "upstream_oid": "",
    "upstream_commit": "",
    "checked_at": None,
    "check_code": "",
}


def row_id(record: ArtifactRecord) -> uuid.UUID | None:
    """The id that stands in the file; None where there is none, or what stands there is no uuid."""
    try:
        return uuid.UUID(record.uuid)
    except ValueError:
        return None


def recorded(record: ArtifactRecord, lock: LockEntry | None) -> dict[str, Any]:
    """The columns that the artifact's places in the two files decide.

    Valid TOML may say what no database takes (U+0000, NaN, dates within JSON): what is stored here is as it will be
    read again, so that the next index finds nothing to write.
    """
    told = {name: _text(record.metadata.get(name)) for name in TOLD}
    ref = record.version_spec or ""
    rest = {name: value for name, value in record.metadata.items() if name not in TOLD}
    return {
        "type": record.type[:20],
        "name": stored_ref(record.ref).name,
        "path": storable(record.path),
        "origin": storable(record.origin)[:20],
        "upstream_url": storable(record.upstream or "")[:1000],
        "upstream_ref": "" if ref == LATEST else storable(ref)[:255],
        "upstream_path": storable(record.upstream_path or ""),
        "pin": storable(record.pin or "")[:255],
        "pin_reason": storable(record.pin_reason or "")[:500],
        "base_oid": storable(record.base_oid or "")[:40],
        "base_commit": storable(record.resolved_sha or "")[:40],
        **told,
        "tags": [storable(tag) for tag in record.tags],
        "metadata": to_jsonable(rest, set()),
        "field_provenance": provenance(record, lock),
    }


def provenance(record: ArtifactRecord, lock: LockEntry | None) -> dict[str, str | None]:
    """Field → the value that the last import or refresh wrote; None: a person has set it, whatever its value is now.

    So a field is its user's where this is None, or not the value that stands there.
    """
    written = lock.extra.get("written") if lock else None
    noted = written.items() if isinstance(written, Mapping) else ()
    told = {storable(str(name)): storable(str(value)) for name, value in noted}
    return {**told, **dict.fromkeys(map(storable, users_fields(record)))}


def unrecorded(ref: ArtifactRef, path: str, origin: str) -> dict[str, Any]:
    """The columns of what lies on disk and in no manifest."""
    blank: dict[str, Any] = dict.fromkeys(_RECORDED, "")
    return {
        **blank,
        "type": ref.type,
        "name": stored_ref(ref).name,
        "path": path,
        "origin": origin,
        "tags": [],
        "metadata": {},
        "field_provenance": {},
    }


def insert_artifacts(collection: Collection, rows: Iterable[Mapping[str, Any]], now: datetime) -> int:
    """Insert rows of ``COMPARED`` columns and ``id``, and of what else a caller knows of them; one statement."""
    fixed = {**_UNTOLD, "collection_id": collection.pk, "created_at": now, "synced_at": now, "updated_at": now}
    columns = ("id", *_WRITTEN, *_UNTOLD, "collection_id", "created_at")
    return insert_rows(Artifact, ({**fixed, **row} for row in rows), columns)


def update_artifacts(rows: Sequence[Mapping[str, Any]], now: datetime, *, also: Sequence[str] = ()) -> int:
    """Write rows of ``COMPARED`` columns and ``pk`` anew, and the columns ``also``; one statement."""
    if not rows:
        return 0
    stamped = ({"synced_at": now, "updated_at": now, **row} for row in rows)
    return update_rows(Artifact, stamped, (*_WRITTEN, *also))


def _text(value: Any) -> str:
    return storable(value)[:MAX_TEXT] if isinstance(value, str) else ""
