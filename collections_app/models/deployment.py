"""Projects, and what was deployed into them."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from collections_app.domain.names import MAX_NAME
from collections_app.querysets import DeploymentQuerySet, ProjectQuerySet
from skillmeat_site.core.leases import LeasedModel


class Project(LeasedModel):
    """A folder of a user, below one of the allowed roots. Deleting the row forgets it and touches no file."""

    path = models.CharField(max_length=1000, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name = _("project")

    def __str__(self) -> str:
        return self.name


class Deployment(models.Model):
    """One artifact in one project. The project's own record on disk says the same, for those without this database.

    ``artifact`` is empty once that was removed: the files in the project stay, and can still be taken back by type and
    name. ``ownership``: which keys of a merged JSON file are ours, with the id of each value.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    artifact = models.ForeignKey(
        "collections_app.Artifact", null=True, on_delete=models.SET_NULL, related_name="deployments"
    )
    # The unique constraint serves the foreign key as well.
    project = models.ForeignKey(
        "collections_app.Project", on_delete=models.CASCADE, related_name="deployments", db_index=False
    )
    profile = models.CharField(max_length=20)
    type = models.CharField(max_length=20)
    name = models.CharField(max_length=MAX_NAME)
    target = models.TextField(help_text=_("Relative to the project."))
    content_oid = models.CharField(max_length=40)
    ownership = models.JSONField(default=dict)
    deployed_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ("-deployed_at", "id")
        verbose_name = _("deployment")
        constraints = [
            models.UniqueConstraint(fields=["project", "profile", "type", "name"], name="deployment_once"),
        ]

    def __str__(self) -> str:
        return f"{self.type}:{self.name} → {self.project}"

    @property
    def collection_slug(self) -> str:
        """The collection that it came from, also after the artifact was removed."""
        return self.artifact.collection.slug if self.artifact else str(self.ownership.get("collection", ""))
