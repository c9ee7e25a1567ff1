"""A collection: a folder of artifacts on disk, and the index of it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from collections_app.querysets import CollectionQuerySet
from skillmeat_site.core.leases import LeasedModel


class Collection(LeasedModel):
    """The files are the truth: everything here but the name and the owner can be read from them again.

    ``revision`` counts the changes of the folder: who planned at one revision applies at the same or not at all.
    """

    slug = models.CharField(max_length=100, unique=True, help_text=_("The name of its folder."))
    name = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    revision = models.PositiveIntegerField(default=0, editable=False)
    problem_code = models.CharField(max_length=50, blank=True, editable=False)
    problem_detail = models.TextField(blank=True, editable=False)
    indexed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name = _("collection")
        permissions = [("refresh_collection", "Can refresh collections")]

    def __str__(self) -> str:
        return self.slug


class DiskOperation(models.Model):
    """The commit point of one change on disk: its row is written in the transaction that tells of the change.

    A journal whose row is there is finished, one without is undone (``services.recovery``), and its row written then,
    ``abandoned``: so the id is taken, should the process not be dead after all. Rows go after a day.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    abandoned = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("disk operation")

    def __str__(self) -> str:
        return str(self.id)
