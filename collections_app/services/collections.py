"""Make, rename and delete collections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from collections_app.domain.manifest import MANIFEST_NAME, write_manifest
from collections_app.domain.names import check_slug
from collections_app.errors import CollectionDeployed, CollectionExists
from collections_app.models import Artifact, Collection, Deployment
from collections_app.services.changing import committing, new_manifest, put_document
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.homes import home, limits
from collections_app.services.recovery import disk_transaction
from collections_app.services.results import Deleted
from collections_app.services.snapshots import take_snapshot
from collections_app.store.content_ids import NO_LIMITS
from collections_app.store.transaction import WHATEVER
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError, FieldProblem, InvalidParameter
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import ObjectRef
from skillmeat_site.core.text import storable

BEFORE_DELETE = "before-delete"
MAX_NAME = 200

Check = Callable[[Collection], None]
"""Looks at a collection that is held and about to go; what it raises keeps it."""


def whatever(collection: Collection) -> None:
    """Any state of the collection will do."""


def collection_ref(collection: Collection) -> ObjectRef:
    return ObjectRef("collection", collection.slug, collection.slug)


def create_collection(slug: str, *, name: str = "", actor: Actor, report: Report, dry_run: bool = False) -> Collection:
    """Make an empty collection, with its folder. Raises UnsafePath for what is no slug, CollectionExists, DiskFull.

    A folder of that name that is there already is not touched: ``adopt_collections`` takes it. A dry run returns a
    row that is not saved.
    """
    row = Collection(slug=check_slug(slug), name=clean_name(name))
    if Collection.objects.filter(slug=slug).exists():
        raise CollectionExists(data={"collection": slug})
    if dry_run:
        return row
    try:
        with transaction.atomic():
            row.save()
            AuditEvent.record(actor, "collection.created", row)
    except IntegrityError:
        raise CollectionExists(data={"collection": slug}) from None
    try:
        _make_folder(row, report)
    except DomainError:
        # Without its folder it would be in the way of the next attempt.
        Collection.objects.filter(pk=row.pk, revision=0, artifacts__isnull=True).delete()
        raise
    return row


def _make_folder(row: Collection, report: Report) -> None:
    with held_collection(row.slug, report) as held:
        if held.folder.exists():
            return
        with disk_transaction(held.root, held.lease, kind="create", limits=limits()) as disk:
            put_document(disk, MANIFEST_NAME, b"", write_manifest(new_manifest(row, timezone.now())))
            disk.apply(together=True)
            with committing(disk, held):
                pass


def rename_collection(collection: Collection, *, name: str, actor: Actor) -> Collection:
    """Give it another display name; its slug and folder stay."""
    wanted = clean_name(name)
    with transaction.atomic():
        Collection.objects.filter(pk=collection.pk).update(name=wanted, updated_at=timezone.now())
        AuditEvent.record(actor, "collection.renamed", collection, name=wanted)
    collection.refresh_from_db()
    return collection


def clean_name(name: str) -> str:
    """One line of at most 200 characters. Raises InvalidParameter."""
    line = " ".join(storable(name).split())
    if len(line) > MAX_NAME:
        detail = f"must be at most {MAX_NAME} characters"
        raise InvalidParameter(f"name: {detail}", errors=(FieldProblem("/name", "invalid", detail),))
    return line


def delete_collection(
    slug: str,
    *,
    force: bool = False,
    actor: Actor,
    report: Report,
    check: Check = whatever,
    job_id: UUID | None = None,
    dry_run: bool = False,
) -> Deleted:
    """Delete a collection after a snapshot; its folder goes to the home's trash. Deployed copies stay where they are.

    Raises NotFound, CollectionBusy, CollectionDeployed unless ``force``, what ``check`` raises.
    """
    with held_collection(slug, report) as held:
        check(held.row)
        deployed = Deployment.objects.filter(artifact__collection=held.row).count()
        if deployed and not force:
            raise CollectionDeployed(f"{deployed} deployments come from it; undeploy them, or delete with force.")
        result = Deleted(slug, Artifact.objects.filter(collection=held.row).count(), deployed, dry_run=dry_run)
        if dry_run:
            return result
        if not held.folder.exists():
            _forget(held, actor, job_id, trash="")
            return result
        take_snapshot(held, reason=BEFORE_DELETE, actor=actor, job_id=job_id)
        trash = f"trash/{slug}-{timezone.now():%Y%m%d-%H%M%S-%f}"
        with disk_transaction(home().root_of_home(), held.lease, kind="delete", limits=NO_LIMITS) as disk:
            disk.delete(f"collections/{slug}", expected=WHATEVER, keep_as=trash)
            disk.apply(together=True)
            with committing(disk, held):
                _forget(held, actor, job_id, trash=trash)
        return replace(result, trash=trash)


def _forget(held: HeldCollection, actor: Actor, job_id: UUID | None, *, trash: str) -> None:
    with transaction.atomic():
        held.lease.fence()
        AuditEvent.record(actor, "collection.deleted", held.row, job_id=job_id, trash=trash)
        Collection.objects.get(pk=held.row.pk).delete()
