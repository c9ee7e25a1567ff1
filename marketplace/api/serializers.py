"""Shapes of the marketplace's REST face."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.api.tag_serializers import SourceTagSerializer, shown_tags
from marketplace.domain.types import ArtifactType
from marketplace.models import CatalogEntry, Source
from marketplace.models.source import MAX_INTERVAL, MIN_INTERVAL, TrustLevel
from marketplace.models.tag import TagKind
from marketplace.querysets import EntryStatus, SourceHealth
from skillmeat_site.core.api.serializers import Selection, Strict
from skillmeat_site.core.results import ItemOutcome
from skillmeat_site.upstream.providers import ProviderChoice

ARTIFACT_TYPES = [type_.value for type_ in ArtifactType]
PROVIDERS = [choice.value for choice in ProviderChoice]


class LastErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class WarningSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    path = serializers.CharField()


class SourceSerializer(serializers.ModelSerializer[Source]):
    health = serializers.ChoiceField(choices=[health.value for health in SourceHealth])
    last_error = serializers.SerializerMethodField()
    head_commit = serializers.SerializerMethodField()
    provider = serializers.ChoiceField(choices=PROVIDERS)
    topics = serializers.ListField(child=serializers.CharField())
    counts = serializers.DictField(child=serializers.IntegerField())
    single_artifact_type = serializers.ChoiceField(choices=[type_.value for type_ in ArtifactType], allow_blank=True)
    auto_tags = serializers.SerializerMethodField()
    path_tags = serializers.SerializerMethodField()

    class Meta:
        model = Source
        fields = (
            "id", "url", "ref", "resolved_ref", "root_hint", "provider", "host", "owner", "name", "repository_id",
            "auto_tags", "path_tags",
            "tags", "manual_map", "single_artifact_type", "trust_level", "enabled", "scan_interval", "head_commit",
            "last_scanned_at", "last_success_at", "last_error", "counts", "archived", "health", "next_scan_at",
            "repository_description", "repository_license", "topics", "latest_release", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(SourceTagSerializer(many=True))
    def get_auto_tags(self, source: Source) -> list[dict[str, Any]]:
        return shown_tags(source, TagKind.TOPIC)

    @extend_schema_field(SourceTagSerializer(many=True))
    def get_path_tags(self, source: Source) -> list[dict[str, Any]]:
        return shown_tags(source, TagKind.PATH)

    @extend_schema_field(LastErrorSerializer(allow_null=True))
    def get_last_error(self, source: Source) -> dict[str, str] | None:
        if not source.last_error_code:
            return None
        return {"code": source.last_error_code, "detail": source.last_error_detail}

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_head_commit(self, source: Source) -> str | None:
        return source.head_commit or None


class SourceFields(Strict):
    """What a person may set. Checked further, and normalised, by ``services.sources``."""

    url = serializers.CharField(max_length=2000, trim_whitespace=True)
    ref = serializers.CharField(max_length=255, required=False, allow_blank=True)
    provider = serializers.ChoiceField(choices=PROVIDERS, required=False)
    root_hint = serializers.CharField(max_length=500, required=False, allow_blank=True)
    manual_map = serializers.DictField(child=serializers.CharField(), required=False)
    single_artifact_type = serializers.ChoiceField(choices=ARTIFACT_TYPES, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    trust_level = serializers.ChoiceField(choices=[level.value for level in TrustLevel], required=False)
    enabled = serializers.BooleanField(required=False)
    scan_interval = serializers.IntegerField(
        min_value=MIN_INTERVAL, max_value=MAX_INTERVAL, required=False, allow_null=True
    )


class SourceCreate(SourceFields):
    scan = serializers.BooleanField(required=False, default=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class SourceChange(SourceFields):
    url = serializers.CharField(max_length=2000, required=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class DeletionSerializer(serializers.Serializer[Any]):
    """What deleting a source would take with it."""

    id = serializers.IntegerField()
    outcome = serializers.CharField()
    entries = serializers.IntegerField()
    dry_run = serializers.BooleanField()


class RescanRequest(Strict):
    force = serializers.BooleanField(required=False, default=False)
    allow_removals = serializers.BooleanField(required=False, default=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class BulkRescanRequest(Selection, RescanRequest):
    pass


class BulkSourceUpdate(Selection):
    enabled = serializers.BooleanField(required=False)
    add_tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    remove_tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    scan_interval = serializers.IntegerField(
        min_value=MIN_INTERVAL, max_value=MAX_INTERVAL, required=False, allow_null=True
    )
    dry_run = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if not {"enabled", "add_tags", "remove_tags", "scan_interval"} & attrs.keys():
            raise serializers.ValidationError("Name at least one change.")
        if "scan_interval" in attrs and attrs["scan_interval"] is None:
            del attrs["scan_interval"]
            attrs["clear_interval"] = True
        return attrs


class BulkEntryUpdate(Selection):
    excluded = serializers.BooleanField()
    excluded_reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(required=False, default=False)


class EntryChange(Strict):
    excluded = serializers.BooleanField(required=False)
    excluded_reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    dry_run = serializers.BooleanField(required=False, default=False)


class EntryImportSerializer(serializers.Serializer[Any]):
    """One place where the entry is imported. ``imported_oid``: the content that the artifact was last brought to."""

    artifact_id = serializers.UUIDField()
    collection = serializers.CharField()
    name = serializers.CharField()
    imported_oid = serializers.CharField()
    update_available = serializers.BooleanField()


class EntrySerializer(serializers.ModelSerializer[CatalogEntry]):
    status = serializers.ChoiceField(choices=[status.value for status in EntryStatus])
    excluded = serializers.SerializerMethodField()
    signals = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    warnings = WarningSerializer(many=True)
    moved_from = serializers.SerializerMethodField()
    imports = serializers.SerializerMethodField()

    class Meta:
        model = CatalogEntry
        fields = (
            "id", "source_id", "type", "name", "namespace", "path", "status", "content_oid", "commit", "confidence",
            "basis", "signals", "title", "description", "tags", "warnings", "excluded", "excluded_reason",
            "duplicate_of", "plugin", "moved_from", "imports", "first_seen_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_excluded(self, entry: CatalogEntry) -> bool:
        return entry.excluded_at is not None

    @extend_schema_field(EntryImportSerializer(many=True))
    def get_imports(self, entry: CatalogEntry) -> list[dict[str, Any]]:
        """Out of what ``for_list`` has fetched."""
        return [
            {
                "artifact_id": str(link.artifact_id),
                "collection": link.artifact.collection.slug,
                "name": link.artifact.name,
                "imported_oid": link.artifact.base_oid,
                "update_available": link.update_available(entry),
            }
            for link in entry.imports.all()
        ]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_moved_from(self, entry: CatalogEntry) -> str | None:
        return entry.moved_from or None


class MoveSerializer(serializers.Serializer[Any]):
    entry_id = serializers.IntegerField()
    # `from` is a keyword: declared through get_fields.
    to = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.CharField()}


class ScanResultSerializer(serializers.Serializer[Any]):
    """What a scan found and changed; `artifacts_found = new_count + updated_count + unchanged_count`."""

    source_id = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in ItemOutcome])
    code = serializers.CharField(allow_null=True)
    artifacts_found = serializers.IntegerField()
    new_count = serializers.IntegerField()
    updated_count = serializers.IntegerField()
    removed_count = serializers.IntegerField()
    unchanged_count = serializers.IntegerField()
    duplicates_within_source = serializers.IntegerField()
    duplicates_cross_source = serializers.IntegerField()
    total_detected = serializers.IntegerField()
    total_unique = serializers.IntegerField()
    scan_duration_ms = serializers.IntegerField()
    scanned_at = serializers.DateTimeField()
    commit = serializers.CharField(allow_null=True)
    listing_complete = serializers.BooleanField()
    short_circuit = serializers.ChoiceField(choices=["commit", "tree"], allow_null=True)
    moved = MoveSerializer(many=True)
    updated_imports = serializers.ListField(child=serializers.IntegerField())
    warnings = WarningSerializer(many=True)
    dry_run = serializers.BooleanField()


class SourceDraftSerializer(SourceSerializer):
    """The answer of a creation that was only tried: the source as it would be, and without an id."""

    id = serializers.IntegerField(allow_null=True)
    dry_run = serializers.BooleanField()

    class Meta(SourceSerializer.Meta):
        fields = (*SourceSerializer.Meta.fields, "dry_run")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class SourceWithScanSerializer(SourceSerializer):
    """The answer of a creation that was asked to scan at once: ``scan`` is the result, the failure, or the job."""

    scan = serializers.DictField(required=False)

    class Meta(SourceSerializer.Meta):
        fields = (*SourceSerializer.Meta.fields, "scan")  # type: ignore[assignment]
