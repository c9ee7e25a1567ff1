"""Shapes of deployments and projects."""

from __future__ import annotations

from collections import Counter
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from collections_app.domain.deploy_targets import Profile
from collections_app.domain.drift import DriftState
from collections_app.domain.types import ArtifactKind
from collections_app.models import Deployment, Project
from collections_app.services.projects import ProjectStatus, project_status
from skillmeat_site.core.api.serializers import MAX_IDS, BulkResultSerializer, BulkRowSerializer, IdsOrFilter, Strict
from skillmeat_site.core.results import ItemOutcome

PROFILES = [profile.value for profile in Profile]
STATES = [state.value for state in DriftState]
KINDS = [kind.value for kind in ArtifactKind]
OUTCOMES = [outcome.value for outcome in ItemOutcome]


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """``state`` is looked up on the disk when the answer is made; the view hands the states over, by id."""

    artifact_id = serializers.UUIDField(allow_null=True)
    project_path = serializers.CharField(source="project.path")
    collection = serializers.CharField(source="collection_slug")
    state = serializers.SerializerMethodField()
    outcome = serializers.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = (
            "id", "artifact_id", "project", "project_path", "profile", "type", "name", "collection", "target",
            "content_oid", "state", "deployed_at", "outcome",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, deployment: Deployment) -> str:
        states = self.context.get("states", {})
        return str(states.get(deployment.pk, DriftState.UNKNOWN).value)

    @extend_schema_field(serializers.ChoiceField(choices=OUTCOMES, allow_null=True))
    def get_outcome(self, deployment: Deployment) -> None:
        """Only an operation has one."""
        return


class DeploymentResultSerializer(serializers.Serializer[Any]):
    """A deployment as an operation leaves it; ``id`` is the artifact's where there is no deployment."""

    id = serializers.UUIDField()
    artifact_id = serializers.UUIDField(allow_null=True)
    project = serializers.IntegerField(allow_null=True)
    project_path = serializers.CharField()
    profile = serializers.ChoiceField(choices=PROFILES, allow_null=True)
    type = serializers.ChoiceField(choices=KINDS, allow_null=True)
    name = serializers.CharField(allow_null=True)
    collection = serializers.CharField(allow_null=True)
    target = serializers.CharField(allow_null=True)
    content_oid = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=STATES, allow_null=True)
    deployed_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    code = serializers.CharField(allow_null=True)
    dry_run = serializers.BooleanField(required=False)


class DeploymentRowSerializer(DeploymentResultSerializer, BulkRowSerializer):
    """A row of many; one of an unknown id has nothing but its outcome and why."""

    id = serializers.UUIDField()  # type: ignore[assignment]

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in fields.keys() - {"id", "outcome", "code"}:
            fields[name].required = False
        return fields


class DeploymentBulkSerializer(BulkResultSerializer):
    results = DeploymentRowSerializer(many=True)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class ProjectField(serializers.CharField):
    """A project: its id, or the path of a folder, which is registered if it was not."""


class DeployOptionsFields(Strict):
    project = ProjectField(max_length=1000)
    profile = serializers.ChoiceField(choices=PROFILES, required=False, default=Profile.CLAUDE_CODE.value)
    overwrite = serializers.BooleanField(required=False, default=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class DeployRequest(DeployOptionsFields):
    artifact = serializers.UUIDField()


class UuidSelection(IdsOrFilter):
    """``ids`` are uuids; as text afterwards, as a job's params hold them."""

    ids = serializers.ListField(child=serializers.UUIDField(), required=False, allow_empty=False, max_length=MAX_IDS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "ids" in attrs:
            attrs["ids"] = [str(pk) for pk in attrs["ids"]]
        return attrs


class BulkDeployRequest(UuidSelection, DeployOptionsFields):
    """``ids`` or ``filter`` of artifacts."""


class BulkUndeployRequest(UuidSelection):
    """``ids`` or ``filter`` of deployments."""

    force = serializers.BooleanField(required=False, default=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """``status``: whether its folder is there and allowed, looked up when the answer is made."""

    profiles = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    fetched_at = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields = ("id", "path", "name", "profiles", "status", "fetched_at", "counts", "created_at")
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=PROFILES)))
    def get_profiles(self, project: Project) -> list[str]:
        return sorted({row.profile for row in project.deployments.all()})

    @extend_schema_field(serializers.ChoiceField(choices=[status.value for status in ProjectStatus]))
    def get_status(self, project: Project) -> str:
        return project_status(project).value

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_fetched_at(self, project: Project) -> Any:
        """When its disk was last read as a whole, by the project cache, whose app this one does not know."""
        return getattr(getattr(project, "cached", None), "fetched_at", None)

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_counts(self, project: Project) -> dict[str, int]:
        return dict(Counter(row.type for row in project.deployments.all()))


class ProjectCreate(Strict):
    path = serializers.CharField(max_length=1000)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(required=False, default=False)


class ProjectDeletionSerializer(serializers.Serializer[Any]):
    """What forgetting a project would take from the database; nothing of its disk."""

    id = serializers.IntegerField()
    outcome = serializers.CharField()
    deployments = serializers.IntegerField()
    dry_run = serializers.BooleanField()


class DriftRowSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    artifact_id = serializers.UUIDField(allow_null=True)
    project = serializers.IntegerField(allow_null=True)
    project_path = serializers.CharField()
    profile = serializers.ChoiceField(choices=PROFILES)
    type = serializers.ChoiceField(choices=KINDS)
    name = serializers.CharField()
    collection = serializers.CharField()
    target = serializers.CharField()
    content_oid = serializers.CharField(allow_null=True)
    project_oid = serializers.CharField(allow_null=True)
    collection_oid = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=STATES)
    deployed_at = serializers.DateTimeField()
    code = serializers.CharField(allow_null=True)


class DriftProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class DriftSerializer(serializers.Serializer[Any]):
    project_id = serializers.IntegerField()
    project_path = serializers.CharField()
    checked_at = serializers.DateTimeField()
    results = DriftRowSerializer(many=True)
    summary = serializers.DictField(child=serializers.IntegerField())
    problem = DriftProblemSerializer(allow_null=True)
