"""``.skillmeat-deployed.toml``: what is deployed below a profile's folder, compatible with SkillMeat 1.x.

Format 2 adds ``format``, ``content_oid``, the keys of merged deployments and the containers made for them. Everything
unknown is kept: fields, types, profiles. Reading raises for what is not understood, and then nobody writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import tomli

from collections_app.domain.deploy_targets import Profile
from collections_app.domain.merge_types import Container, OwnedKey
from collections_app.domain.names import MAX_NAME
from collections_app.domain.types import ArtifactKind
from collections_app.errors import FormatTooNew, ManifestInvalid, UnsafePath

FORMAT: Final = 2
SERVERS_PATH: Final = "../.mcp.json"
"""The only recorded path that leads out of the profile's folder."""

_KNOWN: Final = frozenset(
    {
        "artifact_name",
        "artifact_type",
        "from_collection",
        "deployed_at",
        "artifact_path",
        "content_hash",
        "collection_sha",
        "local_modifications",
        "deployment_profile_id",
        "artifact_uuid",
        "content_oid",
        "keys",
    }
)
_TOP: Final = frozenset({"format", "deployed", "containers"})


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployment. ``path`` is relative to the profile's folder; ``content_oid`` None in a record of 1.x.

    ``content_hash`` is the hash of 1.x, kept for its readers; ``extra`` are the fields that mean nothing to us.
    """

    kind: ArtifactKind
    name: str
    collection: str
    path: str
    deployed_at: datetime
    content_oid: str | None = None
    profile: Profile = Profile.CLAUDE_CODE
    content_hash: str = ""
    local_modifications: bool = False
    artifact_uuid: str | None = None
    keys: tuple[OwnedKey, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.kind.value, self.name, self.profile.value)

    @property
    def project_path(self) -> str:
        """The path from the project's folder."""
        return ".mcp.json" if self.path == SERVERS_PATH else f"{self.profile.root}/{self.path}"


@dataclass(frozen=True, slots=True)
class DeployedFile:
    """The whole file. ``format`` is the one that was read: writing makes it 2, after the caller has kept a copy.

    ``containers``: those of each merged file, by its path in the project. ``kept``: rows of types or profiles that
    are unknown, and ``extra`` top-level keys; written again as they were.
    """

    deployments: tuple[Deployed, ...] = ()
    containers: Mapping[str, tuple[Container, ...]] = field(default_factory=dict)
    kept: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def empty(self) -> bool:
        """Nothing is left to record: the caller deletes the file."""
        return not (self.deployments or self.containers or self.kept or self.extra)


def parse_deployed(data: bytes) -> DeployedFile:
    """Reads the file, of format 2 or of SkillMeat 1.x. Naive times are UTC.

    Raises ``ManifestInvalid`` for nonsense and for what no index could hold (U+0000, names that are too long: two of
    them could be one there), ``FormatTooNew``, and ``UnsafePath`` for a path out of the project.
    """
    try:
        document = tomli.loads(data.decode("utf-8-sig"))
    except (tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestInvalid(f"deployed: not TOML: {error}") from error
    found = document.get("format", 1)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise ManifestInvalid("deployed: format is no number")
    if found > FORMAT:
        raise FormatTooNew(f"deployed: format {found}; this version reads up to {FORMAT}")
    deployments: dict[tuple[str, str, str], Deployed] = {}
    kept: list[Mapping[str, Any]] = []
    for row in _rows(document, "deployed"):
        if not _ours(row):
            kept.append(row)
            continue
        one = _deployed(row)
        if one.identity in deployments:
            raise ManifestInvalid(f"deployed: {one.kind.value} {one.name!a} stands there twice")
        deployments[one.identity] = one
    return DeployedFile(
        deployments=tuple(deployments[identity] for identity in sorted(deployments)),
        containers=_containers(_rows(document, "containers")),
        kept=tuple(kept),
        extra={key: value for key, value in document.items() if key not in _TOP},
        format=found,
    )


def _rows(table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ManifestInvalid(f"deployed: {key} is no list of tables")
    return rows


def _ours(row: Mapping[str, Any]) -> bool:
    kind, profile = _text(row, "artifact_type"), _text(row, "deployment_profile_id", Profile.CLAUDE_CODE.value)
    return kind in set(ArtifactKind) and profile in set(Profile)


def _deployed(row: dict[str, Any]) -> Deployed:
    modified = row.get("local_modifications", False)
    if not isinstance(modified, bool):
        raise ManifestInvalid("deployed: local_modifications is neither true nor false")
    return Deployed(
        kind=ArtifactKind(_text(row, "artifact_type")),
        name=_name(row),
        collection=_text(row, "from_collection"),
        path=_path(row),
        deployed_at=_time(row.get("deployed_at")),
        content_oid=_text(row, "content_oid", "") or None,
        profile=Profile(_text(row, "deployment_profile_id", Profile.CLAUDE_CODE.value)),
        content_hash=_text(row, "content_hash", "") or _text(row, "collection_sha", ""),
        local_modifications=modified,
        artifact_uuid=_text(row, "artifact_uuid", "") or None,
        keys=tuple(_key(key) for key in _rows(row, "keys")),
        extra={key: value for key, value in row.items() if key not in _KNOWN},
    )


def _text(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    return _storable(_any_text(row, key, default), key)


def _any_text(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if not isinstance(value, str):
        raise ManifestInvalid(f"deployed: {key} is {'missing' if value is None else 'no text'}")
    return value


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = row.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ManifestInvalid(f"deployed: {key} is no list of texts")
    return tuple(_storable(value, key) for value in values)


def _storable(value: str, key: str) -> str:
    if "\0" in value:
        raise ManifestInvalid(f"deployed: {key} holds U+0000")
    return value


def _name(row: Mapping[str, Any]) -> str:
    name = _text(row, "artifact_name")
    if not name:
        raise ManifestInvalid("deployed: artifact_name is empty")
    if len(name) > MAX_NAME:
        raise ManifestInvalid(f"deployed: an artifact_name of more than {MAX_NAME} characters")
    return name


def _path(row: Mapping[str, Any]) -> str:
    path = _any_text(row, "artifact_path")
    if path == SERVERS_PATH:
        return path
    if "\\" in path or any(ord(sign) < 0x20 for sign in path) or {"", ".", ".."} & set(path.rstrip("/").split("/")):
        raise UnsafePath("deployed: an artifact_path that leads out of the project")
    return path.rstrip("/")


def _time(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(found, datetime):
            raise ManifestInvalid("deployed: deployed_at is no time")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ManifestInvalid("deployed: deployed_at is no time") from error


def _key(row: Mapping[str, Any]) -> OwnedKey:
    return OwnedKey(
        section=_text(row, "section"),
        label=_text(row, "label"),
        identity=_text(row, "identity"),
        oid=_text(row, "oid"),
        value_oid=_text(row, "value_oid", ""),
        kin=_text(row, "kin", ""),
        beside=_texts(row, "beside"),
        replaced=_text(row, "replaced") if "replaced" in row else None,
    )


def _containers(rows: list[dict[str, Any]]) -> dict[str, tuple[Container, ...]]:
    files: dict[str, list[Container]] = {}
    for row in rows:
        inner = _text(row, "inner") if "inner" in row else None
        if inner is not None and inner.strip(" \t\r\n"):
            raise ManifestInvalid("deployed: inner is no white space")
        files.setdefault(_text(row, "file"), []).append(Container(_texts(row, "path"), inner))
    return {name: tuple(sorted(files[name], key=lambda one: one.path)) for name in sorted(files)}
