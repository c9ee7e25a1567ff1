"""A collection or a project, held for one change: leased, and with nothing unfinished on its disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import IntegrityError, transaction

from collections_app.domain.names import check_slug
from collections_app.errors import CollectionBusy
from collections_app.models import Collection
from collections_app.services.homes import home
from collections_app.services.recovery import settle_disk
from collections_app.store.layout import Root
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.reporting import Report

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class HeldCollection:
    """``row`` is as it was when the lease was taken."""

    row: Collection
    lease: Lease
    report: Report

    @property
    def folder(self) -> Path:
        return home().collection(self.row.slug)

    @property
    def root(self) -> Root:
        return home().root_of(self.row.slug)


@contextmanager
def held_collection(slug: str, report: Report, *, create: bool = False) -> Iterator[HeldCollection]:
    """Hold a collection, renewed by every tick of ``report``; with ``create`` it is made where there is none.

    Raises NotFound, UnsafePath for what is no slug, CollectionBusy while another holds it, or has let its lease expire
    in the middle of a change that its process may still go on with.
    """
    row = ensure_collection(slug) if create else find_collection(slug)
    folder = home().collection(row.slug)
    settle_disk(folder, CollectionBusy, collection=row.slug)
    lease = Lease.acquire(Collection, row.pk)
    if lease is None:
        raise CollectionBusy(data={"collection": row.slug})
    report.keep(lease)
    try:
        settle_disk(folder, CollectionBusy, collection=row.slug)
        home().collections.mkdir(parents=True, exist_ok=True)
        row.refresh_from_db()
        yield HeldCollection(row, lease, report)
    finally:
        report.drop(lease)
        lease.release()


def find_collection(slug: str) -> Collection:
    """Raises NotFound."""
    row = Collection.objects.filter(slug=slug).first()
    if row is None:
        raise NotFound(f"There is no collection {slug[:100]!r}.")
    return row


def ensure_collection(slug: str) -> Collection:
    """The collection, made where there is none yet; two who make it at once get the same one."""
    check_slug(slug)
    try:
        with transaction.atomic():
            return Collection.objects.get_or_create(slug=slug)[0]
    except IntegrityError:
        return find_collection(slug)
