"""An artifact of a collection: the index row of what lies on disk."""

from __future__ import annotations

import uuid

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from collections_app.domain.names import MAX_NAME
from collections_app.domain.types import ArtifactKind
from collections_app.querysets import ArtifactQuerySet
from skillmeat_site.core.models.job import choices


class Artifact(models.Model):
    """``id`` also stands in collection.toml, so that the index can be rebuilt and everything still points to it.

    Three content ids tell its state: ``base_oid`` as imported, ``content_oid`` on disk (empty: missing),
    ``upstream_oid`` as last seen there.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The unique constraint serves the foreign key as well.
    collection = models.ForeignKey(
        "collections_app.Collection", on_delete=models.CASCADE, related_name="artifacts", db_index=False
    )
    type = models.CharField(max_length=20)
    name = models.CharField(max_length=MAX_NAME)
    path = models.TextField()
    origin = models.CharField(max_length=20)

    upstream_url = models.CharField(max_length=1000, blank=True)
    upstream_ref = models.CharField(max_length=255, blank=True)
    upstream_path = models.TextField(blank=True)

    pin = models.CharField(max_length=255, blank=True)
    pin_reason = models.TextField(blank=True, validators=[MaxLengthValidator(500)])

    base_oid = models.CharField(max_length=40, blank=True)
    base_commit = models.CharField(max_length=40, blank=True)
    content_oid = models.CharField(max_length=40, blank=True)
    upstream_oid = models.CharField(max_length=40, blank=True)
    upstream_commit = models.CharField(max_length=40, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_code = models.CharField(max_length=50, blank=True)

    title = models.TextField(blank=True)
    description = models.TextField(blank=True)
    author = models.TextField(blank=True)
    license = models.TextField(blank=True)
    version = models.TextField(blank=True)
    tags = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    field_provenance = models.JSONField(default=dict, blank=True)

    problem_code = models.CharField(max_length=50, blank=True)
    problem_detail = models.TextField(blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    state: str
    """Derived, by ``with_state()`` of the queryset."""

    objects = ArtifactQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name = _("artifact")
        permissions = [("deploy_artifact", "Can deploy artifacts"), ("import_entry", "Can import catalog entries")]
        constraints = [
            models.UniqueConstraint(fields=["collection", "type", "name"], name="artifact_once"),
        ]
        indexes = [
            models.Index(fields=["type", "content_oid"], name="artifact_by_content"),  # adoption, duplicates
            models.Index(fields=["type", "base_oid"], name="artifact_by_base"),  # duplicates across sources
            models.Index(fields=["collection", "name", "id"], name="artifact_by_name"),  # the list of a collection
            models.Index(
                fields=["upstream_url", "upstream_ref"], name="artifact_by_upstream", condition=~Q(upstream_url="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}"

    @property
    def kind(self) -> ArtifactKind | None:
        """None for a type that this version only keeps."""
        return ArtifactKind(self.type) if self.type in {kind.value for kind in ArtifactKind} else None


KINDS = choices(ArtifactKind)
