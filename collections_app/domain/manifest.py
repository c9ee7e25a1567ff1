"""collection.toml: which artifacts a collection has and where they came from.

``format = 2`` keeps the field names of SkillMeat 1.x; whatever else stands in the file is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collections_app.domain.types import ArtifactRef

FORMAT = 2
MANIFEST_NAME = "collection.toml"
OLD_MANIFEST_NAME = "collection.toml.v1"


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
        """The record of an artifact, or None."""
        raise NotImplementedError

    def with_records(self, records: Iterable[ArtifactRecord], *, updated: datetime | None = None) -> Manifest:
        """The same with these records put in, each in the place of an older one of its type and name."""
        raise NotImplementedError

    def without(self, refs: Collection[ArtifactRef], *, updated: datetime | None = None) -> Manifest:
        """The same without the records of these artifacts; unknown ones are passed over."""
        raise NotImplementedError

    def with_uuids(self, make: Callable[[], str]) -> Manifest:
        """The same with a uuid from ``make`` in each record that has none."""
        raise NotImplementedError


def parse_manifest(raw: bytes) -> Manifest:
    """Read a collection.toml of format 2, or of SkillMeat 1.x (``metadata.tags`` are folded into ``tags``).

    Raises ``manifest_invalid``, naming the place, for what is no TOML, a newer format, a missing or wrong field, one
    artifact or uuid twice: never a part of a file.
    """
    raise NotImplementedError


def write_manifest(manifest: Manifest) -> bytes:
    """The file's bytes: sorted, deterministic, ``parse_manifest(write_manifest(m)) == m`` (its format now 2)."""
    raise NotImplementedError
