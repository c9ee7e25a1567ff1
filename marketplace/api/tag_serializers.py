"""Shapes of the tags that repositories suggest."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.models import Source, SourceTag
from marketplace.models.tag import TagKind, TagStatus
from skillmeat_site.core.api.serializers import Strict

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


def shown_tags(source: Source, kind: TagKind) -> list[dict[str, Any]]:
    """The tags a source shows: those its repository has, and those gone that somebody decided on."""
    tags = [
        tag
        for tag in source.found_tags.all()  # prefetched by ``for_list``
        if tag.kind == kind and (tag.gone_at is None or tag.status != TagStatus.PENDING)
    ]
    return [dict(SourceTagSerializer(tag).data) for tag in sorted(tags, key=lambda tag: tag.normalized)]
