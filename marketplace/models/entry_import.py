"""The link between a catalog entry and what was made of it in a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from marketplace.models.entry import CatalogEntry


class EntryImport(models.Model):
    """By key, not by name: an import that was renamed is found again when its entry changes.

    An entry may be imported into several collections, and under several names into one. ``imported_oid`` is the
    content as it was imported: where it is no longer the entry's, there is an update.
    """

    # The unique constraint serves this foreign key as well.
    entry = models.ForeignKey(
        "marketplace.CatalogEntry", on_delete=models.CASCADE, related_name="imports", db_index=False
    )
    artifact = models.ForeignKey("collections_app.Artifact", on_delete=models.CASCADE, related_name="entry_imports")
    imported_oid = models.CharField(max_length=40)
    imported_commit = models.CharField(max_length=40)
    job = models.ForeignKey("core.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        verbose_name = _("import")
        constraints = [models.UniqueConstraint(fields=["entry", "artifact"], name="import_once")]

    def __str__(self) -> str:
        return f"{self.entry} → {self.artifact}"

    def update_available(self, entry: CatalogEntry) -> bool:
        """Whether ``entry``, the link's own, has other content now than what the artifact was last brought to.

        What is gone upstream, or could not be told apart (a truncated listing), is no update.
        """
        known = bool(entry.content_oid) and entry.presence == "present"
        return known and self.artifact.base_oid != entry.content_oid
