"""Make, rename and delete collections."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from collections_app.domain.manifest import MANIFEST_NAME, write_manifest
from collections_app.domain.names import check_slug
from collections_app.errors import CollectionDeployed, CollectionExists
from collections_app.models import Collection, Deployment
from collections_app.services.changing import committing, new_manifest, put_document
from collections_app.services.holding import held_collection
from collections_app.services.homes import home, limits
from collections_app.services.snapshots import take_snapshot
from collections_app.store.transaction import WHATEVER, DiskTransaction
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.text import storable

BEFORE_DELETE = "before-delete"
MAX_NAME = 200


def create_collection(slug: str, *, name: str = "", actor: Actor, report: Report) -> Collection:
    """Make an empty collection, with its folder. Raises UnsafePath for what is no slug, CollectionExists.

    A folder of that name that is there already is not touched: ``adopt_collections`` takes it.
    """
    check_slug(slug)
    try:
        with transaction.atomic():
            row = Collection.objects.create(slug=slug, name=storable(name).strip()[:MAX_NAME])
            AuditEvent.record(actor, "collection.created", row)
    except IntegrityError:
        raise CollectionExists(data={"collection": slug}) from None
    with held_collection(slug, report) as held:
        if held.folder.exists():
            return row
        with DiskTransaction(home(), held.root, kind="create", limits=limits()) as disk:
            put_document(disk, MANIFEST_NAME, b"", write_manifest(new_manifest(row, timezone.now())))
            disk.apply(together=True)
            with committing(disk, held):
                pass
    return row


def rename_collection(collection: Collection, *, name: str, actor: Actor) -> Collection:
    """Give it another display name; its slug and folder stay."""
    wanted = storable(name).strip()[:MAX_NAME]
    with transaction.atomic():
        Collection.objects.filter(pk=collection.pk).update(name=wanted, updated_at=timezone.now())
        AuditEvent.record(actor, "collection.renamed", collection, name=wanted)
    collection.refresh_from_db()
    return collection


def delete_collection(
    slug: str, *, force: bool = False, actor: Actor, report: Report, job_id: UUID | None = None
) -> None:
    """Delete a collection after a snapshot; its folder goes to the home's trash. Deployed copies stay where they are.

    Raises NotFound, CollectionBusy, CollectionDeployed unless ``force``.
    """
    with held_collection(slug, report) as held:
        deployed = Deployment.objects.filter(artifact__collection=held.row).count()
        if deployed and not force:
            raise CollectionDeployed(f"{deployed} deployments come from it; undeploy them, or delete with force.")
        if not held.folder.exists():
            _forget(held.row, actor, job_id, trash="")
            return
        take_snapshot(held, reason=BEFORE_DELETE, actor=actor, job_id=job_id)
        trash = f"trash/{slug}-{timezone.now():%Y%m%d-%H%M%S-%f}"
        with DiskTransaction(home(), home().root_of_home(), kind="delete", limits=limits()) as disk:
            disk.delete(f"collections/{slug}", expected=WHATEVER, keep_as=trash)
            disk.apply(together=True)
            with committing(disk, held):
                _forget(held.row, actor, job_id, trash=trash)


def _forget(row: Collection, actor: Actor, job_id: UUID | None, *, trash: str) -> None:
    with transaction.atomic():
        AuditEvent.record(actor, "collection.deleted", row, job_id=job_id, trash=trash)
        row.delete()
