"""Shapes of the REST face of collections."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from collections_app.api.filters import STATES
from collections_app.domain.artifact_edit import MAX_PIN_REASON, MAX_TITLE
from collections_app.models import Artifact, Collection, Deployment, Snapshot
from collections_app.services.results import snapshot_json
from collections_app.store.history.types import ChangeStatus, DiffKind
from skillmeat_site.core.api.serializers import Strict
from skillmeat_site.core.results import ItemOutcome

OUTCOMES = [outcome.value for outcome in ItemOutcome]


class ProblemOfRowSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


def problem_of(row: Artifact | Collection) -> dict[str, str] | None:
    """Why the row's files could not be read."""
    return {"code": row.problem_code, "detail": row.problem_detail} if row.problem_code else None


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    id = serializers.CharField(source="slug")
    owner = serializers.SerializerMethodField()
    artifact_count = serializers.IntegerField()
    updates_available = serializers.IntegerField(help_text="Artifacts with an update when last checked, not pinned.")
    problem = serializers.SerializerMethodField()

    class Meta:
        model = Collection
        fields = (
            "id", "slug", "name", "owner", "revision", "artifact_count", "updates_available", "problem",
            "indexed_at", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_owner(self, collection: Collection) -> str | None:
        return collection.owner.get_username() if collection.owner else None

    @extend_schema_field(ProblemOfRowSerializer(allow_null=True))
    def get_problem(self, collection: Collection) -> dict[str, str] | None:
        return problem_of(collection)


class CollectionDraftSerializer(CollectionSerializer):
    """The answer of a creation that was only tried."""

    created_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)
    dry_run = serializers.BooleanField()

    class Meta(CollectionSerializer.Meta):
        fields = (*CollectionSerializer.Meta.fields, "dry_run")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class CollectionCreate(Strict):
    slug = serializers.CharField(max_length=100)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(required=False, default=False)


class CollectionChange(Strict):
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    dry_run = serializers.BooleanField(required=False, default=False)


class CollectionDeletionSerializer(serializers.Serializer[Any]):
    """What deleting a collection would take with it."""

    collection = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    artifacts = serializers.IntegerField()
    deployments = serializers.IntegerField()
    trash = serializers.CharField(allow_null=True)
    dry_run = serializers.BooleanField()


class UpstreamSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    ref = serializers.CharField()
    path = serializers.CharField()


class ArtifactDeploymentSerializer(serializers.ModelSerializer[Deployment]):
    class Meta:
        model = Deployment
        fields = ("id", "project_id", "profile", "target", "content_oid", "deployed_at")
        read_only_fields = fields


_UNKNOWN = ("pin", "base_oid", "base_commit", "content_oid", "upstream_oid", "upstream_commit", "check_code")


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    """What is not known is null, not an empty text."""

    collection = serializers.CharField(source="collection.slug")
    upstream = serializers.SerializerMethodField()
    pinned = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=STATES)
    tags = serializers.ListField(child=serializers.CharField())
    problem = serializers.SerializerMethodField()
    deployments = ArtifactDeploymentSerializer(many=True)

    class Meta:
        model = Artifact
        fields = (
            "id", "collection", "type", "name", "path", "origin", "upstream", "pin", "pin_reason", "pinned",
            "base_oid", "base_commit", "content_oid", "upstream_oid", "upstream_commit", "checked_at", "check_code",
            "state", "title", "description", "author", "license", "version", "tags", "problem", "deployments",
            "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {name: {"allow_null": True} for name in _UNKNOWN}

    @extend_schema_field(UpstreamSerializer(allow_null=True))
    def get_upstream(self, artifact: Artifact) -> dict[str, str] | None:
        if not artifact.upstream_url:
            return None
        return {"url": artifact.upstream_url, "ref": artifact.upstream_ref, "path": artifact.upstream_path}

    def get_pinned(self, artifact: Artifact) -> bool:
        return bool(artifact.pin)

    @extend_schema_field(ProblemOfRowSerializer(allow_null=True))
    def get_problem(self, artifact: Artifact) -> dict[str, str] | None:
        return problem_of(artifact)

    def to_representation(self, artifact: Artifact) -> dict[str, Any]:
        shown = super().to_representation(artifact)
        return {**shown, **{name: shown[name] or None for name in _UNKNOWN}}


class ArtifactChange(Strict):
    """`pin` null or empty takes the pin away. `tags` replaces all tags."""

    pin = serializers.CharField(max_length=255, required=False, allow_blank=True, allow_null=True)
    pin_reason = serializers.CharField(max_length=MAX_PIN_REASON, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    title = serializers.CharField(max_length=MAX_TITLE, required=False, allow_blank=True)
    dry_run = serializers.BooleanField(required=False, default=False)


class ArtifactDeletionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    code = serializers.CharField(allow_null=True)
    dry_run = serializers.BooleanField()


class FileSerializer(serializers.Serializer[Any]):
    """``mode`` as git writes it: 100644, 100755 (executable), 120000 (a link)."""

    path = serializers.CharField()
    mode = serializers.CharField()
    size = serializers.IntegerField()
    oid = serializers.CharField()


class SnapshotSerializer(serializers.BaseSerializer[Snapshot]):
    def to_representation(self, row: Snapshot) -> dict[str, Any]:
        return dict(snapshot_json(row))


class SnapshotShape(serializers.Serializer[Any]):
    """A snapshot, for the description."""

    id = serializers.CharField()
    collection = serializers.CharField()
    commit_oid = serializers.CharField()
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    artifact_count = serializers.IntegerField()
    job_id = serializers.CharField(allow_null=True)


class SnapshotDraft(serializers.Serializer[Any]):
    """A snapshot that was only tried."""

    id = serializers.CharField(allow_null=True)
    collection = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    reason = serializers.CharField()
    dry_run = serializers.BooleanField()


class SnapshotCreate(Strict):
    reason = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(required=False, default=False)


class DryRun(Strict):
    dry_run = serializers.BooleanField(required=False, default=False)


class RestoredSerializer(serializers.Serializer[Any]):
    collection = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    snapshot_id = serializers.CharField()
    safety_snapshot_id = serializers.CharField(allow_null=True)
    changed = serializers.ListField(child=serializers.CharField())
    dry_run = serializers.BooleanField()


CHANGES = [status.value for status in ChangeStatus]
DIFF_KINDS = [kind.value for kind in DiffKind]


class DiffLineSerializer(serializers.Serializer[Any]):
    origin = serializers.CharField()
    text = serializers.CharField()
    old_number = serializers.IntegerField(allow_null=True)
    new_number = serializers.IntegerField(allow_null=True)


class HunkSerializer(serializers.Serializer[Any]):
    old_start = serializers.IntegerField()
    old_lines = serializers.IntegerField()
    new_start = serializers.IntegerField()
    new_lines = serializers.IntegerField()
    lines = DiffLineSerializer(many=True)


class FileDifferenceSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    status = serializers.ChoiceField(choices=CHANGES)
    kind = serializers.ChoiceField(choices=DIFF_KINDS)
    old_mode = serializers.CharField(allow_null=True)
    new_mode = serializers.CharField(allow_null=True)
    old_oid = serializers.CharField(allow_null=True)
    new_oid = serializers.CharField(allow_null=True)
    old_size = serializers.IntegerField(allow_null=True)
    new_size = serializers.IntegerField(allow_null=True)
    truncated = serializers.BooleanField()
    hunks = HunkSerializer(many=True)


class IndexErrorSerializer(serializers.Serializer[Any]):
    artifact = serializers.CharField(required=False)
    code = serializers.CharField()
    detail = serializers.CharField()


class IndexResultSerializer(serializers.Serializer[Any]):
    """Every artifact is in one count; ``skipped_count`` are those in ``errors``."""

    collection_id = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    updated_count = serializers.IntegerField()
    skipped_count = serializers.IntegerField()
    added_count = serializers.IntegerField()
    removed_count = serializers.IntegerField()
    missing_count = serializers.IntegerField()
    unchanged_count = serializers.IntegerField()
    dry_run = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        # ``errors`` is an attribute of every serializer.
        return {**super().get_fields(), "errors": IndexErrorSerializer(many=True)}


class IndexErrorsOfOneSerializer(serializers.Serializer[Any]):
    collection_id = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "errors": IndexErrorSerializer(many=True)}


class IndexAllResultSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    collections_refreshed = serializers.IntegerField()
    total_updated = serializers.IntegerField()
    total_skipped = serializers.IntegerField()
    duration_seconds = serializers.FloatField()
    dry_run = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "errors": IndexErrorsOfOneSerializer(many=True)}
