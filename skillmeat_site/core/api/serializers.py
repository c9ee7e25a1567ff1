"""Serializers every app uses: strict input, jobs and their items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from skillmeat_site.core.api.filters import refuse_unknown
from skillmeat_site.core.errors import json_pointer
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import ItemOutcome, JobStatus

MAX_ID = 2**63 - 1
"""What a database holds in a key; SQLite and PostgreSQL raise beyond it."""


class Strict(serializers.Serializer[Any]):
    """Input with a field nobody knows is refused, with the nearest known name."""

    described_as: Mapping[str, Any] = {}
    """What the OpenAPI description has to say of the body beyond its fields."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = [name for name, field in self.fields.items() if not field.read_only]
            refuse_unknown(data, writable, "field", below=self._place())
        return super().to_internal_value(data)

    def _place(self) -> str:
        """Where in the body this is, as a JSON pointer."""
        place = ""
        part: serializers.BaseSerializer[Any] | serializers.Field[Any, Any, Any, Any] = self
        while part.parent is not None:
            place, part = json_pointer(str(part.field_name)) + place, part.parent
        return place


MAX_IDS = 50_000
"""Objects that one request may name."""


def whole_ids() -> serializers.ListField:
    """A field for the ids of objects whose ids are whole numbers: one at least."""
    number = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    return serializers.ListField(child=number, required=False, min_length=1, max_length=MAX_IDS)


class IdsOrFilter(Strict):
    """Which objects a bulk action is about: ids or the list's own ``filter``, never both and never nothing.

    A subclass declares the field that holds the ids, and names it in ``ids_field``. Each id counts once, in order.
    """

    ids_field: ClassVar[str] = "ids"
    described_as = {"oneOf": [{"required": ["ids"]}, {"required": ["filter"]}]}

    filter = serializers.DictField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        name = self.ids_field
        if (name in attrs) == ("filter" in attrs):
            raise serializers.ValidationError(f"Give either {name} or filter.")
        if name in attrs:
            attrs[name] = list(dict.fromkeys(attrs[name]))
        return attrs


class Selection(IdsOrFilter):
    """Which objects a bulk action is about: ``ids`` or the list's own ``filter``, never both and never nothing."""

    ids = whole_ids()


class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]


class JobErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class JobSerializer(serializers.ModelSerializer[Job]):
    progress = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    actor = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = (
            "id", "kind", "label", "status", "progress", "result", "error", "trigger", "actor", "parent",
            "attempt", "cancel_requested", "created_at", "started_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, job: Job) -> dict[str, Any]:
        return {"done": job.done, "total": job.total, "label": job.progress_label}

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        return {"code": job.error_code, "detail": job.error_detail} if job.error_code else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_actor(self, job: Job) -> str | None:
        return job.actor.get_username() if job.actor else None


class ObjectRefSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class JobItemSerializer(serializers.ModelSerializer[JobItem]):
    object = serializers.SerializerMethodField()
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in ItemOutcome], allow_null=True)
    code = serializers.CharField(allow_null=True)

    class Meta:
        model = JobItem
        fields = ("id", "object", "outcome", "code", "message", "detail", "duration_ms")
        read_only_fields = fields

    @extend_schema_field(ObjectRefSerializer)
    def get_object(self, item: JobItem) -> dict[str, str]:
        return {"type": item.object_type, "id": item.object_id, "label": item.object_label}

    def to_representation(self, item: JobItem) -> dict[str, Any]:
        shown = super().to_representation(item)
        return {**shown, "outcome": shown["outcome"] or None, "code": shown["code"] or None}


class SummarySerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    removed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    conflict = serializers.IntegerField()
    failed = serializers.IntegerField()
    deferred = serializers.IntegerField()
    total = serializers.IntegerField()


class BulkRowSerializer(serializers.Serializer[Any]):
    """One row; an operation's own result stands in it as well. `reset_at`: when a deferred one may be tried again."""

    id = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in ItemOutcome])
    code = serializers.CharField(allow_null=True)
    detail = serializers.CharField(required=False)
    reset_at = serializers.DateTimeField(required=False, allow_null=True)


class BulkResultSerializer(serializers.Serializer[Any]):
    results = BulkRowSerializer(many=True)
    summary = SummarySerializer()
    results_url = serializers.CharField(required=False)
    dry_run = serializers.BooleanField(required=False)


class ProblemEntrySerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = ProblemEntrySerializer(many=True)  # type: ignore[assignment]
    request_id = serializers.CharField()
    retry_after = serializers.IntegerField(required=False)
    reset_at = serializers.DateTimeField(required=False)


JOB_STATUSES = [status.value for status in JobStatus]
