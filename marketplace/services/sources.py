"""Register, change and forget sources. The one door to their user-owned columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.domain.types import ArtifactType
from marketplace.errors import SourceBusy, SourceExists
from marketplace.models import Source
from marketplace.models.source import MAX_INTERVAL, MIN_INTERVAL, TrustLevel
from marketplace.services.scan_record import next_scan_at
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError, FieldProblem, InvalidParameter, NotFound
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row
from skillmeat_site.core.tags import clean_tags
from skillmeat_site.core.text import storable
from skillmeat_site.core.upstreams import access_policy, check_provider
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import InvalidUrl
from skillmeat_site.upstream.policy import check_allowed
from skillmeat_site.upstream.providers import ProviderChoice
from skillmeat_site.upstream.types import RepositoryAddress

EDITABLE = (
    "url", "ref", "provider", "root_hint", "manual_map", "single_artifact_type", "tags", "trust_level", "enabled",
    "scan_interval",
)  # fmt: skip

NOT_DESCRIBED: Mapping[str, Any] = {
    "repository_id": None, "repository_description": "", "repository_license": "", "topics": [], "archived": False,
    "latest_release": "",
}  # fmt: skip
"""The columns that tell what GitHub says of a repository, as long as it was not asked."""

MAX_MAPPED = 200
MAX_URL = 1000
_UNSAFE_SEGMENTS = frozenset({"", ".", ".."})


def source_ref(source: Source) -> ObjectRef:
    return ObjectRef("source", str(source.pk), str(source))


def create_source(*, url: str, actor: Actor, **fields: Any) -> Source:
    """Register a source without asking its repository.

    Raises InvalidUrl, InvalidRef, HostNotAllowed, PathNotAllowed, InvalidParameter, ProviderUnavailable, and
    SourceExists (with the ``source_id``) where the same repository, ref and root folder is registered in whatever
    spelling.
    """
    columns = _columns({"ref": "", "provider": ProviderChoice.AUTO.value, **fields, "url": url})
    try:
        with transaction.atomic():
            source = Source.objects.create(**columns, next_scan_at=_first_scan(columns.get("scan_interval")))
            AuditEvent.record(actor, "source.created", source, url=source.url)
    except IntegrityError:
        raise _exists(columns) from None
    return source


def check_source(*, url: str, **fields: Any) -> None:
    """What ``create_source`` would refuse, but for a source that exists. Raises like it; writes nothing."""
    _columns({"ref": "", "provider": ProviderChoice.AUTO.value, **fields, "url": url})


def draft_source(*, url: str, **fields: Any) -> Source:
    """The source that ``create_source`` would store, not stored. Raises like it, but for a source that exists."""
    return Source(**_columns({"ref": "", "provider": ProviderChoice.AUTO.value, **fields, "url": url}))


def find_source(*, url: str, ref: str = "", root_hint: str = "") -> Source | None:
    """The registered source of this repository, ref and root folder, in whatever spelling."""
    address = _address(url, ref)
    return Source.objects.filter(url_key=address.key, ref=address.ref, root_hint=clean_folder(root_hint)).first()


def update_source(source: Source, *, actor: Actor, changes: Mapping[str, Any]) -> Source:
    """Change user-owned columns of a source whose row the caller has locked, or just read.

    Another URL, ref or root folder makes the next scan a full one; entries are compared with what it finds.
    Raises like ``create_source``.
    """
    wanted = dict(changes)
    if {"url", "ref", "provider"} & wanted.keys():
        wanted = {"url": source.url, "ref": source.ref, "provider": source.provider, **wanted}
    columns = _columns(wanted)
    if columns.get("url_key", source.url_key) != source.url_key:
        columns |= NOT_DESCRIBED
    if "url_key" in columns and (columns["url_key"], columns["ref"]) != (source.url_key, source.ref):
        columns |= {"head_commit": "", "tree_oid": "", "failures": 0, "not_before": None}
    if "scan_interval" in columns:
        columns["next_scan_at"] = _first_scan(columns["scan_interval"])
    try:
        with transaction.atomic():
            Source.objects.filter(pk=source.pk).update(**columns, updated_at=timezone.now())
            AuditEvent.record(actor, "source.changed", source, fields=sorted(changes))
    except IntegrityError:
        place = {"url_key": source.url_key, "ref": source.ref, "root_hint": source.root_hint}
        raise _exists({**place, **columns}) from None
    source.refresh_from_db()
    return source


def delete_source(source: Source, *, actor: Actor) -> None:
    """Forget a source with its entries and runs; what was imported stays. Raises SourceBusy while it is scanned."""
    with transaction.atomic():
        if Lease.acquire(Source, source.pk) is None:
            raise SourceBusy(data={"source_id": source.pk})
        AuditEvent.record(actor, "source.deleted", source, url=source.url)
        # Self-references first: the database would otherwise null them row by row.
        source.entries.update(plugin=None, duplicate_of=None)
        source.delete()


def bulk_update_sources(
    ids: Sequence[int],
    *,
    actor: Actor,
    enabled: bool | None = None,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
    scan_interval: int | None = None,
    clear_interval: bool = False,
    dry_run: bool = False,
) -> BulkResult:
    """Change many sources, each row settling by itself; an unknown id is a failed row."""
    added, removed = clean_tags(add_tags), set(clean_tags(remove_tags))
    known = Source.objects.in_bulk(list(ids))
    rows = []
    for pk in ids:
        source = known.get(pk)
        if source is None:
            rows.append(not_found_row("source", pk))
            continue
        wanted: dict[str, Any] = {} if enabled is None else {"enabled": enabled}
        if added or removed:
            kept = [tag for tag in source.tags if tag not in removed]
            wanted["tags"] = [*kept, *(tag for tag in added if tag not in kept)]
        if scan_interval is not None or clear_interval:
            wanted["scan_interval"] = None if clear_interval else scan_interval
        changes = {name: value for name, value in wanted.items() if getattr(source, name) != value}
        try:
            _columns(changes)  # a dry run refuses what the run would
            if changes and not dry_run:
                update_source(source, actor=actor, changes=changes)
        except DomainError as error:
            rows.append(Row(source_ref(source), ItemOutcome.FAILED, error.code, error.detail))
            continue
        outcome = ItemOutcome.UPDATED if changes else ItemOutcome.UNCHANGED
        rows.append(Row(source_ref(source), outcome))
    return BulkResult(tuple(rows), dry_run=dry_run)


def not_found_row(kind: str, pk: Any) -> Row:
    error = NotFound(f"There is no {kind} {pk}.")
    return Row(ObjectRef(kind, str(pk)), ItemOutcome.FAILED, error.code, error.detail)


def clean_folder(folder: str, field: str = "root_hint") -> str:
    """A folder of the repository in its one spelling, "" for the root. Raises InvalidParameter for what is none."""
    path = folder.strip().removeprefix("./").rstrip("/")
    if path in ("", "."):
        return ""
    if len(path) > 500 or storable(path) != path or "\\" in path or _UNSAFE_SEGMENTS & set(path.split("/")):
        raise _invalid(field, "must be a folder inside the repository, without '..' and not absolute")
    return path


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check and normalise user-owned fields into columns."""
    columns = dict(fields)
    if "provider" in columns:
        _one_of("provider", columns["provider"], ProviderChoice)
    if "url" in columns:
        address = _address(columns["url"], columns.get("ref", ""))
        check_provider(address, ProviderChoice(columns["provider"]))
        columns |= address_columns(address)
    if "root_hint" in columns:
        columns["root_hint"] = clean_folder(columns["root_hint"])
    if "manual_map" in columns:
        columns["manual_map"] = _manual_map(columns["manual_map"])
    if "tags" in columns:
        columns["tags"] = clean_tags(columns["tags"])
    if columns.get("single_artifact_type"):
        _one_of("single_artifact_type", columns["single_artifact_type"], ArtifactType)
    if "trust_level" in columns:
        _one_of("trust_level", columns["trust_level"], TrustLevel)
    interval = columns.get("scan_interval")
    if interval is not None and not MIN_INTERVAL <= interval <= MAX_INTERVAL:
        raise _invalid("scan_interval", f"must be between {MIN_INTERVAL} and {MAX_INTERVAL} minutes, or null")
    return columns


def _address(url: str, ref: str) -> RepositoryAddress:
    policy = access_policy()
    address = parse_url(url, policy, ref=ref)
    check_allowed(address, policy)
    if len(address.url) > MAX_URL:
        raise InvalidUrl(f"a URL is at most {MAX_URL} characters long")
    return address


def address_columns(address: RepositoryAddress) -> dict[str, Any]:
    """The columns that tell where a source is."""
    return {
        "url": address.url,
        "url_key": address.key,
        "host": address.host,
        "owner": address.owner[:255],
        "name": address.name[:255],
        "ref": address.ref,
    }


def _manual_map(mapping: Any) -> dict[str, str]:
    if not isinstance(mapping, Mapping) or len(mapping) > MAX_MAPPED:
        raise _invalid("manual_map", f"must map at most {MAX_MAPPED} folders to types")
    cleaned = {}
    for folder, type_ in mapping.items():
        if not isinstance(folder, str) or not isinstance(type_, str):
            raise _invalid("manual_map", 'must map folders to types: {"path": "skill"}')
        _one_of("manual_map", type_, ArtifactType)
        cleaned[clean_folder(folder, "manual_map") or "."] = type_
    return cleaned


def _one_of(field: str, value: str, enum: Any) -> None:
    if value not in {member.value for member in enum}:
        raise _invalid(field, f"{value!r} is not one of {', '.join(member.value for member in enum)}")


def _invalid(field: str, detail: str) -> InvalidParameter:
    return InvalidParameter(f"{field}: {detail}", errors=(FieldProblem(f"/{field}", "invalid", detail),))


def _first_scan(interval: int | None) -> Any:
    return next_scan_at(interval, timezone.now())


def _exists(columns: Mapping[str, Any]) -> SourceExists:
    key = {name: columns.get(name, "") for name in ("url_key", "ref", "root_hint")}
    source = Source.objects.filter(**key).first()
    return SourceExists(data={"source_id": source.pk if source else None})
