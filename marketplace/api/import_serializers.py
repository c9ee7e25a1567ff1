"""Shapes of importing, over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from collections_app.api.serializers import HunkSerializer
from collections_app.domain.import_plan import Strategy
from collections_app.store.history.types import ChangeStatus, DiffKind
from marketplace.services.import_results import ImportStatus
from marketplace.services.import_run import strategy_of
from skillmeat_site.core.api.serializers import BulkResultSerializer, Selection, Strict, SummarySerializer
from skillmeat_site.core.results import ItemOutcome

OUTCOMES = [outcome.value for outcome in ItemOutcome]
MAX_REF = 255
MAX_SLUG = 100


class StrategyField(serializers.CharField):
    """One of the strategies; an unknown one is refused with the nearest known."""

    def __init__(self, **kwargs: Any) -> None:
        known = f"What to do where the name is taken: {', '.join(Strategy)}."
        defaults = {"required": False, "default": Strategy.SKIP.value, "max_length": 50, "help_text": known}
        super().__init__(**{**defaults, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        return strategy_of(super().to_internal_value(data)).value


class ImportRequest(Selection):
    collection = serializers.CharField(required=False, default="default", max_length=MAX_SLUG)
    strategy = StrategyField()
    source_ref = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_REF)
    dry_run = serializers.BooleanField(required=False, default=False)


class ReimportRequest(Strict):
    keep_deployments = serializers.BooleanField(required=False, default=False)
    collection = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_SLUG)
    dry_run = serializers.BooleanField(required=False, default=False)


class BulkReimportRequest(Selection, ReimportRequest):
    pass


class ImportedEntrySerializer(serializers.Serializer[Any]):
    entry_id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=[status.value for status in ImportStatus])
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    artifact_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    conflict_with = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    error = serializers.CharField(allow_null=True)


class ImportResultSerializer(serializers.Serializer[Any]):
    """One import out of one source into one collection; the four counts add up to the number of entries."""

    import_id = serializers.UUIDField(allow_null=True)
    source_id = serializers.IntegerField()
    collection = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    code = serializers.CharField(allow_null=True)
    detail = serializers.CharField(required=False)
    started_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField()
    entries = ImportedEntrySerializer(many=True)
    success_count = serializers.IntegerField()
    skipped_count = serializers.IntegerField()
    conflict_count = serializers.IntegerField()
    error_count = serializers.IntegerField()
    summary = SummarySerializer()
    snapshot_id = serializers.UUIDField(allow_null=True)
    dry_run = serializers.BooleanField()


class BulkImportResultSerializer(BulkResultSerializer):
    """One row per entry, and one ImportResult per source."""

    imports = ImportResultSerializer(many=True)


class ReimportResultSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    entry_id = serializers.IntegerField()
    artifact_id = serializers.UUIDField(allow_null=True)
    previous_oid = serializers.CharField(allow_null=True)
    new_oid = serializers.CharField(allow_null=True)
    local_changes = serializers.BooleanField()
    deployments_restored = serializers.IntegerField()
    deployments_kept_modified = serializers.ListField(child=serializers.CharField())
    deployments_dropped = serializers.ListField(child=serializers.CharField())
    snapshot_id = serializers.UUIDField(allow_null=True)
    message = serializers.CharField()
    dry_run = serializers.BooleanField()


class EntryFileSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    mode = serializers.CharField()
    oid = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)


class EntryFilesSerializer(serializers.Serializer[Any]):
    """What an entry consists of at the commit that was scanned. ``inline``: a value inside the one file named."""

    entry_id = serializers.IntegerField()
    commit = serializers.CharField()
    content_oid = serializers.CharField()
    inline = serializers.BooleanField()
    count = serializers.IntegerField()
    results = EntryFileSerializer(many=True)


class EntryFileDifferenceSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in ChangeStatus])
    old_oid = serializers.CharField(allow_null=True)
    new_oid = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(choices=[kind.value for kind in DiffKind])
    hunks = HunkSerializer(many=True)
    truncated = serializers.BooleanField()


class EntryDiffSerializer(serializers.Serializer[Any]):
    """From what lies in the collection (old) to what the repository has (new)."""

    entry_id = serializers.IntegerField()
    artifact_id = serializers.UUIDField()
    collection = serializers.CharField()
    name = serializers.CharField()
    old_oid = serializers.CharField(allow_null=True)
    new_oid = serializers.CharField()
    identical = serializers.BooleanField()
    count = serializers.IntegerField()
    results = EntryFileDifferenceSerializer(many=True)
