"""The contents that artifacts were imported with, kept in the history: without them no merge has its base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.types import ArtifactKind
from collections_app.services.holding import HeldCollection
from collections_app.services.homes import history
from collections_app.store.history.types import Content
from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.types import FileMode

log = structlog.get_logger(__name__)


def keep_bases(held: HeldCollection, records: Sequence[ArtifactRecord]) -> None:
    """Keep what lies on disk now as the base of these artifacts; called when their change has been committed.

    Only what has the id of the record's base. Never raises: what is not kept makes a later merge a conflict at worst,
    and the import has come about.
    """
    wanted = [record for record in records if record.uuid and record.base_oid == record.content_oid]
    if not wanted:
        return
    try:
        store = history()
        contents = store.write_paths(held.row.slug, [held.folder / record.path for record in wanted])
        pairs = zip(wanted, contents, strict=True)
        store.keep_base(held.row.slug, {record.uuid: got for record, got in pairs if got.oid == record.base_oid})
    except DomainError as error:
        log.warning("bases.not_kept", collection=held.row.slug, code=error.code, artifacts=len(wanted))


def keep_contents(held: HeldCollection, contents: Mapping[str, Content]) -> None:
    """Keep contents that are stored already as the bases of artifacts, by uuid. Never raises."""
    try:
        if contents:
            history().keep_base(held.row.slug, contents)
    except DomainError as error:
        log.warning("bases.not_kept", collection=held.row.slug, code=error.code, artifacts=len(contents))


def base_of(kind: ArtifactKind, oid: str) -> Content | None:
    """The content an artifact was imported with, None where the history no longer has it."""
    content = Content(FileMode.TREE if kind.is_folder else FileMode.FILE, oid)
    return content if oid and history().has(content) else None
