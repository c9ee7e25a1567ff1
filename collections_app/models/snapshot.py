"""A snapshot: a moment of a collection that can be gone back to. The content is a commit in the object store."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from collections_app.querysets import SnapshotQuerySet


class Snapshot(models.Model):
    """``revision``: the collection's when it was taken, which tells what came after what, also where the clock was set
    back between them. 0 where only the store knew of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The index serves the foreign key as well.
    collection = models.ForeignKey(
        "collections_app.Collection", on_delete=models.CASCADE, related_name="snapshots", db_index=False
    )
    key = models.CharField(max_length=40, help_text=_("Its name in the object store; sorts by time."))
    commit_oid = models.CharField(max_length=40)
    tree_oid = models.CharField(max_length=40)
    reason = models.CharField(max_length=100)
    artifact_count = models.PositiveIntegerField(default=0)
    revision = models.PositiveIntegerField(default=0)
    job = models.ForeignKey("core.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-key")
        verbose_name = _("snapshot")
        constraints = [models.UniqueConstraint(fields=["collection", "key"], name="snapshot_once")]
        indexes = [models.Index(fields=["collection", "-created_at"], name="snapshot_by_time")]

    def __str__(self) -> str:
        return f"{self.collection} {self.created_at:%Y-%m-%d %H:%M:%S}"
