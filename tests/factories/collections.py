"""Collections, artifacts, snapshots: rows without files. With files: ``tests.collections_app.filled``."""

from __future__ import annotations

import factory
from django.utils import timezone

from collections_app.models import Artifact, Collection, Snapshot
from tests.factories.marketplace import oid


class CollectionFactory(factory.django.DjangoModelFactory):
    slug = factory.Sequence(lambda n: f"set-{n}")

    class Meta:
        model = Collection


class ArtifactFactory(factory.django.DjangoModelFactory):
    """A skill as it was imported, in sync."""

    collection = factory.SubFactory(CollectionFactory)
    type = "skill"
    name = factory.Sequence(lambda n: f"skill{n}")
    path = factory.LazyAttribute(lambda artifact: f"skills/{artifact.name}")
    origin = "marketplace"
    upstream_url = "https://github.com/acme/tools"
    base_oid = factory.LazyAttribute(lambda artifact: oid(artifact.name))
    content_oid = factory.LazyAttribute(lambda artifact: artifact.base_oid)
    upstream_oid = factory.LazyAttribute(lambda artifact: artifact.base_oid)

    class Meta:
        model = Artifact


class SnapshotFactory(factory.django.DjangoModelFactory):
    """A row whose commit is in no store."""

    collection = factory.SubFactory(CollectionFactory)
    key = factory.Sequence(lambda n: f"20260101-000000-{n:06}")
    commit_oid = oid("commit")
    tree_oid = oid("tree")
    reason = "manual"
    created_at = factory.LazyFunction(timezone.now)

    class Meta:
        model = Snapshot
