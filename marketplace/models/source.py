"""A source: one repository, at one ref, below one folder."""

from __future__ import annotations

from enum import StrEnum

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.domain.types import ArtifactType
from marketplace.querysets import SourceQuerySet
from skillmeat_site.core.leases import LeasedModel
from skillmeat_site.upstream.providers import ProviderChoice

MIN_INTERVAL = 15
MAX_INTERVAL = 60 * 24 * 90


class TrustLevel(StrEnum):
    UNTRUSTED = "untrusted"
    BASIC = "basic"
    VERIFIED = "verified"
    OFFICIAL = "official"


class Source(LeasedModel):
    """User-owned columns are written by ``services.sources``, scan-owned ones by ``services.rescan``, by no other.

    One exception: where the repository was renamed, a scan lets ``url`` and what follows from it follow.
    """

    url = models.CharField(_("URL"), max_length=1000, help_text=_("https, ssh, or a path in an allowed root."))
    # What decides whether two URLs are the same repository: GitHub tells no case apart, the URL keeps what was typed.
    url_key = models.CharField(max_length=1000, editable=False)
    host = models.CharField(max_length=255, blank=True, editable=False)
    owner = models.CharField(max_length=255, blank=True, editable=False)
    name = models.CharField(max_length=255, editable=False)

    # The user's
    provider = models.CharField(
        max_length=10,
        default=ProviderChoice.AUTO.value,
        choices=[(choice.value, choice.value) for choice in ProviderChoice],
        help_text=_("Who reads it: git, GitHub's API, or auto: the API where it is on GitHub and there is a token."),
    )
    ref = models.CharField(
        max_length=255, blank=True, help_text=_("Branch, tag or commit; empty for the default branch.")
    )
    root_hint = models.CharField(max_length=500, blank=True, help_text=_("Only look at or below this folder."))
    manual_map = models.JSONField(default=dict, blank=True, help_text=_("Folder → type; the nearest ancestor wins."))
    single_artifact_type = models.CharField(
        max_length=12,
        blank=True,
        choices=[(t.value, t.value) for t in ArtifactType],
        help_text=_("The whole root is one artifact of this type."),
    )
    tags = models.JSONField(default=list, blank=True)
    trust_level = models.CharField(
        max_length=10, choices=[(t.value, t.value) for t in TrustLevel], default=TrustLevel.BASIC
    )
    enabled = models.BooleanField(default=True)
    scan_interval = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(MIN_INTERVAL), MaxValueValidator(MAX_INTERVAL)],
        help_text=_("Minutes between scheduled scans; empty: only when asked."),
    )

    # The scan's
    resolved_ref = models.CharField(max_length=255, blank=True, editable=False)
    head_commit = models.CharField(max_length=40, blank=True, editable=False)
    tree_oid = models.CharField(max_length=40, blank=True, editable=False)
    detection_key = models.CharField(max_length=64, blank=True, editable=False)
    listing_complete = models.BooleanField(default=False, editable=False)
    last_scanned_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error_code = models.CharField(max_length=50, blank=True, editable=False)
    last_error_detail = models.TextField(blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    not_before = models.DateTimeField(null=True, blank=True, editable=False)
    next_scan_at = models.DateTimeField(null=True, blank=True, editable=False)
    counts = models.JSONField(default=dict, editable=False)
    counters = models.JSONField(default=dict, editable=False)
    # What GitHub's API says of the repository; git says none of it. The id stays when the repository is renamed.
    repository_id = models.BigIntegerField(null=True, blank=True, editable=False)
    repository_description = models.TextField(blank=True, editable=False)
    repository_license = models.CharField(max_length=100, blank=True, editable=False, help_text=_("SPDX id."))
    topics = models.JSONField(default=list, blank=True, editable=False)
    archived = models.BooleanField(default=False, editable=False)
    # Of what GitHub is asked in batches only: its REST API would take a request of its own.
    latest_release = models.CharField(max_length=255, blank=True, editable=False, help_text=_("Its tag."))

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    health: str
    """Derived, by ``with_health()`` of the queryset."""

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name = _("source")
        permissions = [("rescan_source", "Can rescan sources")]
        constraints = [
            models.UniqueConstraint(fields=["url_key", "ref", "root_hint"], name="source_once"),
            models.CheckConstraint(
                condition=models.Q(trust_level__in=[t.value for t in TrustLevel]), name="source_trust_known"
            ),
            models.CheckConstraint(
                condition=models.Q(single_artifact_type__in=["", *(t.value for t in ArtifactType)]),
                name="source_single_type_known",
            ),
            models.CheckConstraint(
                condition=models.Q(provider__in=[choice.value for choice in ProviderChoice]),
                name="source_provider_known",
            ),
            models.CheckConstraint(
                condition=models.Q(scan_interval__isnull=True)
                | models.Q(scan_interval__gte=MIN_INTERVAL, scan_interval__lte=MAX_INTERVAL),
                name="source_interval_sane",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "name"], name="source_by_name"),  # commands: owner/name
            models.Index(  # webhooks
                fields=["repository_id"], name="source_by_repository", condition=models.Q(repository_id__isnull=False)
            ),
            models.Index(  # the sweep of due sources
                fields=["next_scan_at"],
                name="source_due",
                condition=models.Q(enabled=True, next_scan_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        short = f"{self.owner}/{self.name}" if self.owner else self.name
        extras = [part for part in (self.ref and f"@{self.ref}", self.root_hint and f":{self.root_hint}") if part]
        return short + "".join(extras)
