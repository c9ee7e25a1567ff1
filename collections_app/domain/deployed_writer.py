"""Writes ``.skillmeat-deployed.toml``: always format 2, sorted, the same bytes for the same content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

from collections_app.domain.deployed_record import FORMAT, Deployed, DeployedFile
from collections_app.domain.merge_types import Container, OwnedKey


def dump_deployed(file: DeployedFile) -> bytes:
    """The bytes of the file; reading them gives an equal one of format 2."""
    document = tomlkit.document()
    document.add("format", tomlkit.item(FORMAT))
    for key in sorted(file.extra, key=lambda name: (_is_table(file.extra[name]), name)):
        document.add(key, _item(file.extra[key]))
    containers = [
        _container(name, container) for name in sorted(file.containers) for container in file.containers[name]
    ]
    rows = [_row(one) for one in sorted(file.deployments, key=lambda one: one.identity)]
    rows += [_table(row) for row in file.kept]
    for name, tables in (("containers", containers), ("deployed", rows)):
        if tables:
            document.add(name, AoT(tables))
    return tomlkit.dumps(document).encode("utf-8")


def _row(one: Deployed) -> Table:
    known = {
        "artifact_name": one.name,
        "artifact_type": one.kind.value,
        "from_collection": one.collection,
        "deployed_at": one.deployed_at.isoformat(),
        "artifact_path": one.path,
        "content_hash": one.content_hash,
        "local_modifications": one.local_modifications,
        "deployment_profile_id": one.profile.value,
        "artifact_uuid": one.artifact_uuid,
        "content_oid": one.content_oid,
    }
    row = _table({**{key: value for key, value in known.items() if value is not None}, **one.extra})
    if one.keys:
        row.add("keys", AoT([_table(_key(key)) for key in one.keys]))
    return row


def _key(key: OwnedKey) -> dict[str, Any]:
    fields: dict[str, Any] = {"section": key.section, "label": key.label, "identity": key.identity, "oid": key.oid}
    optional = {"value_oid": key.value_oid, "kin": key.kin, "beside": list(key.beside)}
    fields |= {name: value for name, value in optional.items() if value}
    return fields if key.replaced is None else {**fields, "replaced": key.replaced}


def _container(name: str, container: Container) -> Table:
    row = {"file": name, "path": list(container.path)}
    return _table(row if container.inner is None else {**row, "inner": container.inner})


def _table(fields: Mapping[str, Any]) -> Table:
    """A table with its plain values first: TOML counts whatever follows a subtable to that."""
    table = tomlkit.table()
    for key in sorted(fields, key=lambda name: _is_table(fields[name])):
        table.add(key, _item(fields[key]))
    return table


def _item(value: Any) -> Any:
    """Tables within tables by the same rule; tomlkit's own would put an array of tables before plain values."""
    if isinstance(value, Mapping):
        return _table(value)
    return AoT([_table(row) for row in value]) if _is_table(value) else tomlkit.item(value)


def _is_table(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(row, dict) for row in value)
    return isinstance(value, dict)
