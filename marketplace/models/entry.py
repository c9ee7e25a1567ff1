"""A catalog entry: one artifact of one source, known by where it is, dated by what it contains."""

from __future__ import annotations

from enum import StrEnum

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.domain.types import ArtifactType, Basis
from marketplace.querysets import EntryQuerySet


class Presence(StrEnum):
    PRESENT = "present"
    REMOVED = "removed"


SCAN_OWNED = frozenset(
    {
        "key", "type", "path", "file", "discriminator", "name", "namespace", "content_oid", "commit", "confidence",
        "basis", "signals", "title", "description", "tags", "metadata", "warnings", "client", "manual", "fingerprint",
        "search_text", "presence", "changed_since_first_seen", "moved_from", "plugin", "duplicate_of", "removed_at",
        "updated_at",
    }
)  # fmt: skip
"""What a scan may write. Disjoint from USER_OWNED, so that a scan cannot touch a decision (tested)."""
USER_OWNED = frozenset({"excluded_at", "excluded_reason"})


SHOWN_BY = ("presence", "excluded_at", "duplicate_of")
"""The columns that hide an entry from a list that is not asked for it."""


class CatalogEntry(models.Model):
    """Never deleted by a scan: an artifact that is gone becomes ``removed``, with the user's decisions kept."""

    # The index entry_by_source serves the foreign key as well.
    source = models.ForeignKey("marketplace.Source", on_delete=models.CASCADE, related_name="entries", db_index=False)
    key = models.CharField(max_length=64, editable=False)
    type = models.CharField(max_length=12, choices=[(t.value, t.value) for t in ArtifactType])
    path = models.TextField()
    file = models.TextField(blank=True)
    discriminator = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=300)
    namespace = models.CharField(max_length=500, blank=True)
    content_oid = models.CharField(max_length=40)
    commit = models.CharField(max_length=40)
    confidence = models.PositiveSmallIntegerField()
    basis = models.CharField(max_length=10, choices=[(b.value, b.value) for b in Basis])
    signals = models.JSONField(default=list)
    title = models.TextField(blank=True)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=list)
    metadata = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)
    client = models.CharField(max_length=50, blank=True)
    manual = models.BooleanField(default=False)
    fingerprint = models.CharField(max_length=32)

    search_text = models.TextField(blank=True, default="", editable=False)
    """The entry's words, of ``domain.search.entry_words``; indexed by ``search_index``."""

    presence = models.CharField(max_length=8, choices=[(p.value, p.value) for p in Presence], default=Presence.PRESENT)
    changed_since_first_seen = models.BooleanField(default=False)
    moved_from = models.TextField(blank=True)
    plugin = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="components")
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="duplicates"
    )
    removed_at = models.DateTimeField(null=True, blank=True)

    # The user's
    excluded_at = models.DateTimeField(null=True, blank=True)
    excluded_reason = models.TextField(blank=True, validators=[MaxLengthValidator(500)])

    first_seen_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    status: str
    """Derived, by ``with_status()`` of the queryset."""

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name = _("catalog entry")
        verbose_name_plural = _("catalog entries")
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="entry_once"),
            models.CheckConstraint(condition=Q(confidence__lte=100), name="entry_confidence_percent"),
            models.CheckConstraint(condition=Q(type__in=[t.value for t in ArtifactType]), name="entry_type_known"),
            models.CheckConstraint(
                condition=Q(presence="present", removed_at__isnull=True)
                | Q(presence="removed", removed_at__isnull=False),
                name="entry_removed_has_date",
            ),
            models.CheckConstraint(condition=~Q(duplicate_of=models.F("id")), name="entry_not_its_own_duplicate"),
        ]
        indexes = [
            models.Index(fields=["source", "id"], name="entry_by_source"),  # entries of a source
            models.Index(fields=["type", "content_oid"], name="entry_by_content"),  # duplicates across sources
            models.Index(fields=["type", "id"], name="entry_by_type"),  # filter type
            # ordering=name, confidence. What tells whether an entry is shown stands in the index, too: a page deep in
            # the list is found without reading the rows before it.
            models.Index(fields=["name", "id", *SHOWN_BY], name="entry_by_name"),
            models.Index(fields=["confidence", "id", *SHOWN_BY], name="entry_by_confidence"),
            # filter status; few of many
            models.Index(fields=["id"], name="entry_excluded", condition=Q(excluded_at__isnull=False)),
            models.Index(fields=["id"], name="entry_changed", condition=Q(changed_since_first_seen=True)),
            models.Index(  # the overview counts all entries, and reads nothing but this
                fields=["type", "presence", "changed_since_first_seen", "excluded_at", "duplicate_of"],
                include=[
                    "id",
                    "content_oid",
                ],  # and of what was imported; SQLite leaves it out
                name="entry_tally",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type}:{self.namespace}:{self.name}" if self.namespace else f"{self.type}:{self.name}"
