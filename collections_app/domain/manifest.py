"""collection.toml: which artifacts a collection has and where they came from.

``format = 2`` keeps the field names of SkillMeat 1.x; whatever else stands in the file is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from collections_app.domain.toml_fields import FORMAT, Fields, block, header, line, lines, load, shown_time
from collections_app.domain.types import ArtifactRef
from collections_app.errors import ManifestInvalid

MANIFEST_NAME = "collection.toml"
OLD_MANIFEST_NAME = "collection.toml.v1"

_TEXTS = (
    "upstream",
    "upstream_path",
    "version_spec",
    "resolved_sha",
    "resolved_version",
    "content_oid",
    "base_oid",
    "pin",
    "pin_reason",
    "origin_source",
    "import_id",
)
_OWN = ("type", "name", "path", "origin", "uuid", "tags", "target_platforms")
_TIMES = ("added", "last_updated", "discovered_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRecord:
    """One ``[[artifacts]]``. Times are aware UTC; None and empty are not written.

    ``type`` may be one that ``ArtifactKind`` does not know (``ref.kind`` is None): kept, not handled. ``path`` and
    ``name`` are as they stand in the file: whoever goes to the disk with them asks ``names`` first.
    ``content_oid`` is the id of the content last written by us, ``base_oid`` the one as imported. ``resolved_sha`` is
    the commit, ``version_spec`` the ref asked for, ``upstream`` the repository, ``upstream_path`` the path in it.
    ``metadata`` is ``[artifacts.metadata]`` with all that stands in it, ``extra`` every other field.
    """

    type: str
    name: str
    path: str
    origin: str
    added: datetime
    uuid: str = ""
    upstream: str | None = None
    upstream_path: str | None = None
    version_spec: str | None = None
    resolved_sha: str | None = None
    resolved_version: str | None = None
    content_oid: str | None = None
    base_oid: str | None = None
    pin: str | None = None
    pin_reason: str | None = None
    origin_source: str | None = None
    import_id: str | None = None
    last_updated: datetime | None = None
    discovered_at: datetime | None = None
    tags: tuple[str, ...] = ()
    target_platforms: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> ArtifactRef:
        """Type and name, unique in a collection."""
        return ArtifactRef(self.type, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A collection.toml, read. ``records`` are sorted by type and name.

    ``source_format`` is the one of the file it was read from; what is written is always ``FORMAT``. ``collection``
    holds what else stands in ``[collection]``, ``extra`` the other keys and tables of the file.
    """

    name: str
    records: tuple[ArtifactRecord, ...] = ()
    version: str = "1.0.0"
    created: datetime | None = None
    updated: datetime | None = None
    source_format: int = FORMAT
    collection: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def get(self, ref: ArtifactRef) -> ArtifactRecord | None:
        """The record of an artifact, or None. For many, ``by_ref``."""
        return next((record for record in self.records if record.ref == ref), None)

    def by_ref(self) -> dict[ArtifactRef, ArtifactRecord]:
        """All records by type and name."""
        return {record.ref: record for record in self.records}

    def with_records(self, records: Iterable[ArtifactRecord], *, updated: datetime | None = None) -> Manifest:
        """The same with these records put in, each in the place of an older one of its type and name."""
        merged = {record.ref: record for record in self.records}
        merged.update((record.ref, record) for record in records)
        return replace(self, records=_sorted(merged.values()), updated=updated or self.updated)

    def without(self, refs: Collection[ArtifactRef], *, updated: datetime | None = None) -> Manifest:
        """The same without the records of these artifacts; unknown ones are passed over."""
        gone = set(refs)
        kept = tuple(record for record in self.records if record.ref not in gone)
        return replace(self, records=kept, updated=updated or self.updated)

    def with_uuids(self, make: Callable[[], str]) -> Manifest:
        """The same with a uuid from ``make`` (32 hex digits) in each record that has none."""
        records = tuple(record if record.uuid else replace(record, uuid=make()) for record in self.records)
        return replace(self, records=records)


def _sorted(records: Iterable[ArtifactRecord]) -> tuple[ArtifactRecord, ...]:
    return tuple(sorted(records, key=lambda record: record.ref))


def parse_manifest(raw: bytes) -> Manifest:
    """Read a collection.toml of format 2, or of SkillMeat 1.x (``metadata.tags`` are folded into ``tags``).

    Raises ``manifest_invalid``, naming the place, for what is no TOML, a newer format, a missing or wrong field, one
    artifact or uuid twice: never a part of a file.
    """
    top, source_format = load(raw, MANIFEST_NAME)
    if "collection" not in top.rest:
        raise top.wrong("collection", "the table is missing")
    head = Fields(top.rest.pop("collection"), "[collection]")
    tables = top.rest.pop("artifacts", [])
    if not isinstance(tables, list):
        raise top.wrong("artifacts", "is no array of tables")
    records = [_record(table, f"artifacts[{number}]", source_format) for number, table in enumerate(tables)]
    _refuse_doubles(records)
    return Manifest(
        name=head.needed("name"),
        version=head.text("version") or "1.0.0",
        created=head.time("created"),
        updated=head.time("updated"),
        collection=head.rest,
        records=_sorted(records),
        source_format=source_format,
        extra=top.rest,
    )


def _record(table: object, place: str, source_format: int) -> ArtifactRecord:
    fields = Fields(table, place)
    name = fields.needed("name")
    fields.place = f"{place} ({name[:80]})"
    metadata = fields.table("metadata")
    tags = fields.texts("tags")
    if source_format == 1 and "tags" in metadata:
        tags = tuple(dict.fromkeys((*tags, *Fields({"tags": metadata.pop("tags")}, fields.place).texts("tags"))))
    return ArtifactRecord(
        type=fields.needed("type"),
        name=name,
        path=fields.needed("path"),
        origin=fields.needed("origin"),
        added=fields.needed_time("added"),
        uuid=_uuid(fields),
        last_updated=fields.time("last_updated"),
        discovered_at=fields.time("discovered_at"),
        tags=tags,
        target_platforms=fields.texts("target_platforms"),
        metadata=metadata,
        **{key: fields.text(key) for key in _TEXTS},
        extra=fields.rest,
    )


def _uuid(fields: Fields) -> str:
    value = fields.text("uuid")
    try:
        return UUID(value).hex if value else ""
    except ValueError:
        raise fields.wrong("uuid", "is no UUID") from None


def _refuse_doubles(records: Iterable[ArtifactRecord]) -> None:
    refs: set[ArtifactRef] = set()
    uuids: dict[str, ArtifactRef] = {}
    for record in records:
        if record.ref in refs:
            raise ManifestInvalid(f"{MANIFEST_NAME}: artifacts: {record.ref} stands there twice")
        refs.add(record.ref)
        other = uuids.setdefault(record.uuid, record.ref) if record.uuid else record.ref
        if other != record.ref:
            raise ManifestInvalid(f"{MANIFEST_NAME}: artifacts: {other} and {record.ref} have one uuid")


def write_manifest(manifest: Manifest) -> bytes:
    """The file's bytes: sorted, deterministic, ``parse_manifest(write_manifest(m)) == m`` (its format now 2)."""
    tables = {key: value for key, value in manifest.extra.items() if _tables(value)}
    plain = {key: value for key, value in manifest.extra.items() if key not in tables}
    head = {
        "name": manifest.name,
        "version": manifest.version,
        "created": shown_time(manifest.created),
        "updated": shown_time(manifest.updated),
    }
    parts = [line("format", FORMAT), lines(plain), block(header("collection"), head, manifest.collection)]
    parts.extend(_written(record) for record in _sorted(manifest.records))
    for key in sorted(tables):
        title = header(key)
        many = isinstance(tables[key], list)
        parts.extend(
            f"\n[{title}]\n{lines(table)}" if many else f"\n{title}\n{lines(table)}" for table in _tables(tables[key])
        )
    return "".join(parts).encode()


def _tables(value: object) -> list[Mapping[str, Any]]:
    """The tables that get a header of their own: one, or an array of nothing but tables."""
    if isinstance(value, Mapping):
        return [value]
    return value if isinstance(value, list) and all(isinstance(item, Mapping) for item in value) else []


def _written(record: ArtifactRecord) -> str:
    fields: dict[str, object] = {key: getattr(record, key) for key in (*_OWN, *_TEXTS)}
    fields.update((key, shown_time(getattr(record, key))) for key in _TIMES)
    text = block("[[artifacts]]", fields, record.extra)
    if record.metadata:
        text += f"\n[artifacts.metadata]\n{lines(record.metadata)}"
    return text
