"""Shapes of the tags that repositories suggest."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.models import Source, SourceTag
from marketplace.models.tag import TagKind, TagStatus
from skillmeat_site.core.api.serializers import BulkResultSerializer, BulkRowSerializer, IdsOrFilter, Strict, whole_ids
from skillmeat_site.core.results import ItemOutcome

KINDS = [kind.value for kind in TagKind]
STATUSES = [status.value for status in TagStatus]


class SourceTagSerializer(serializers.ModelSerializer[SourceTag]):
    kind = serializers.ChoiceField(choices=KINDS)
    status = serializers.ChoiceField(choices=STATUSES)

    class Meta:
        model = SourceTag
        fields = ("value", "normalized", "kind", "status", "last_seen_at", "gone_at", "decided_at")
        read_only_fields = fields


@extend_schema_field({"type": "string", "enum": STATUSES})
class _Status(serializers.CharField):
    """Checked by the service, which names the nearest known word."""


class TagDecision(Strict):
    value = serializers.CharField(max_length=100)
    status = _Status(max_length=50)
    dry_run = serializers.BooleanField(required=False, default=False)


class TagRefreshRequest(Strict):
    dry_run = serializers.BooleanField(required=False, default=False)


class BulkTagRefreshRequest(IdsOrFilter, TagRefreshRequest):
    """``source_ids`` or the list's own ``filter``, never both and never nothing."""

    ids_field = "source_ids"
    described_as = {"oneOf": [{"required": ["source_ids"]}, {"required": ["filter"]}]}

    source_ids = whole_ids()


class TagSegmentSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    normalized = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    source = serializers.CharField()  # type: ignore[assignment]


class TagRefreshSerializer(serializers.Serializer[Any]):
    """`tags_gone` counts those that vanished now; one that came back counts as updated. `segments`: present ones."""

    source_id = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in ItemOutcome])
    code = serializers.CharField(allow_null=True)
    tags_found = serializers.IntegerField()
    tags_added = serializers.IntegerField()
    tags_updated = serializers.IntegerField()
    tags_gone = serializers.IntegerField()
    segments = TagSegmentSerializer(many=True)
    dry_run = serializers.BooleanField()


class TagRefreshRowSerializer(BulkRowSerializer):
    """One source; the counts and segments are there where it was asked about."""

    source_id = serializers.IntegerField(required=False)
    tags_found = serializers.IntegerField(required=False)
    tags_added = serializers.IntegerField(required=False)
    tags_updated = serializers.IntegerField(required=False)
    tags_gone = serializers.IntegerField(required=False)
    segments = TagSegmentSerializer(many=True, required=False)


class TagRefreshesSerializer(BulkResultSerializer):
    results = TagRefreshRowSerializer(many=True)
    total_succeeded = serializers.IntegerField()
    total_failed = serializers.IntegerField()
    total_deferred = serializers.IntegerField()
    rate_limited = serializers.BooleanField()
    rate_limit_reset_at = serializers.DateTimeField(allow_null=True)


def shown_tags(source: Source, kind: TagKind) -> list[dict[str, Any]]:
    """The tags a source shows: those its repository has, and those gone that somebody decided on."""
    tags = [
        tag
        for tag in source.found_tags.all()  # prefetched by ``for_list``
        if tag.kind == kind and (tag.gone_at is None or tag.status != TagStatus.PENDING)
    ]
    return [dict(SourceTagSerializer(tag).data) for tag in sorted(tags, key=lambda tag: tag.normalized)]
