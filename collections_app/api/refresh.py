"""Refreshing a collection from its upstreams, and the plans of it."""

from __future__ import annotations

import difflib
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from collections_app.api.below import SLUG, BelowCollection
from collections_app.api.serializers import DryRun, FileDifferenceSerializer
from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.refresh_options import FIELDS, RefreshMode, RefreshOptions, Strategy
from collections_app.domain.refresh_plan import Status
from collections_app.domain.types import ArtifactKind
from collections_app.jobs import apply, refresh
from collections_app.models import PlanState, RefreshPlan
from collections_app.services.plan_diff import plan_diff
from collections_app.services.refresh_plans import plan_json
from skillmeat_site.core.api.actions import PREFER, job_or
from skillmeat_site.core.api.serializers import Strict, SummarySerializer
from skillmeat_site.core.errors import FieldProblem, InvalidParameter
from skillmeat_site.core.reporting import SilentReport

MODES = [mode.value for mode in RefreshMode]
PLAN_STATES = [state.value for state in PlanState]
ARTIFACT = OpenApiParameter("artifact", UUID, required=True, description="One that the plan tells of.")
MODE = OpenApiParameter("mode", str, enum=MODES, description="Wins over the body's mode.")


class Word(serializers.ChoiceField):
    """One of a few words, in any case; for another one the nearest is suggested."""

    def to_internal_value(self, data: Any) -> Any:
        word = data.strip().lower() if isinstance(data, str) else data
        if isinstance(word, str) and word not in self.choices:
            near = difflib.get_close_matches(word, list(self.choices), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self.choices)}"
            raise serializers.ValidationError(f"{word[:100]!r} is not known; {hint}", code="invalid_choice")
        return super().to_internal_value(word)


class RefreshFilters(Strict):
    type = serializers.ListField(child=Word(choices=[kind.value for kind in ArtifactKind]), required=False)
    name = serializers.CharField(required=False, allow_blank=True, max_length=300, help_text="A glob.")
    ids = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=50_000)


class RefreshRequest(DryRun):
    mode = Word(choices=MODES, default=RefreshMode.METADATA_ONLY.value)
    filters = RefreshFilters(required=False)
    strategy = Word(choices=[strategy.value for strategy in Strategy], required=False)

    def get_fields(self) -> dict[str, Any]:
        # ``fields`` is an attribute of every serializer.
        words = serializers.ListField(child=Word(choices=list(FIELDS)), required=False)
        return {**super().get_fields(), "fields": words}


class RefreshDetailSerializer(serializers.Serializer[Any]):
    artifact_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    type = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    changes = serializers.ListField(child=serializers.CharField())
    old_values = serializers.DictField()
    new_values = serializers.DictField()
    applied = serializers.ListField(child=serializers.CharField())
    kept = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    conflicts = serializers.ListField(child=serializers.DictField(), required=False)
    upstream_commit = serializers.CharField(required=False)


class RefreshResponse(serializers.Serializer[Any]):
    """``refreshed + unchanged + skipped + error`` is every artifact that the filters took."""

    collection_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["completed", "partial", "failed"])
    mode = serializers.ChoiceField(choices=MODES)
    dry_run = serializers.BooleanField()
    refreshed_count = serializers.IntegerField()
    unchanged_count = serializers.IntegerField()
    skipped_count = serializers.IntegerField()
    error_count = serializers.IntegerField()
    summary = SummarySerializer()
    details = RefreshDetailSerializer(many=True)
    snapshot_id = serializers.UUIDField(allow_null=True)
    plan_id = serializers.UUIDField(allow_null=True)
    reset_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField()


class UpdateCheckRowSerializer(serializers.Serializer[Any]):
    artifact_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    type = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in ArtifactState])
    pinned = serializers.BooleanField()
    current_oid = serializers.CharField(allow_null=True)
    upstream_oid = serializers.CharField(allow_null=True)
    upstream_commit = serializers.CharField(allow_null=True)
    moved_to = serializers.CharField(allow_null=True, help_text="Its place upstream, if that is another one now.")
    code = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class UpdateCheckResponse(serializers.Serializer[Any]):
    """The counters add up to the results: a failure is never up to date, a pinned artifact no update."""

    collection_id = serializers.CharField()
    timestamp = serializers.DateTimeField()
    updates_available = serializers.IntegerField()
    up_to_date = serializers.IntegerField()
    skipped = serializers.IntegerField()
    results = UpdateCheckRowSerializer(many=True)
    reset_at = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        # ``errors`` is an attribute of every serializer.
        return {**super().get_fields(), "errors": serializers.IntegerField()}


class PlanSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    collection_id = serializers.CharField()
    state = serializers.ChoiceField(choices=PLAN_STATES)
    base_revision = serializers.IntegerField()
    is_stale = serializers.BooleanField(help_text="It can no longer be applied.")
    mode = serializers.ChoiceField(choices=MODES)
    options = serializers.DictField()
    details = RefreshDetailSerializer(many=True)
    created_at = serializers.DateTimeField()
    applied_at = serializers.DateTimeField(allow_null=True)


ANSWER = PolymorphicProxySerializer(
    component_name="RefreshOrCheck",
    serializers=[RefreshResponse, UpdateCheckResponse],
    resource_type_field_name=None,
)


class RefreshView(BelowCollection, viewsets.ViewSet):
    action_permissions = {"refresh": "collections_app.refresh_collection"}

    @extend_schema(request=RefreshRequest, responses=job_or(ANSWER), parameters=[SLUG, MODE, PREFER])
    def refresh(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Bring records, and in mode ``sync`` files, up to date with upstream; or only tell what there is.

        A dry run keeps its plan: ``plan_id`` can be applied as it is.
        """
        said = self.validated(RefreshRequest)
        dry_run = said.pop("dry_run")
        if "mode" in request.query_params:
            said["mode"] = request.query_params["mode"]
        options = RefreshOptions.of(said)
        return self.run(refresh, dry_run=dry_run, slug=self.collection.slug, **options.to_json())

    def known_query_params(self) -> set[str]:
        return {"mode"}


class PlanViewSet(BelowCollection, viewsets.GenericViewSet[RefreshPlan]):
    queryset = RefreshPlan.objects.all()
    serializer_class = PlanSerializer
    action_permissions = {"apply": "collections_app.refresh_collection"}

    def _plan(self) -> RefreshPlan:
        plans = RefreshPlan.objects.select_related("collection").filter(collection=self.collection)
        return get_object_or_404(plans, pk=self.kwargs["pk"])

    @extend_schema(responses=PlanSerializer, parameters=[SLUG])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What a dry run has told; it stays a week."""
        return Response(plan_json(self._plan()))

    @extend_schema(responses=FileDifferenceSerializer(many=True), parameters=[SLUG, ARTIFACT], filters=False)
    def diff(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What applying would do to the files of one artifact, file by file, read at the plan's commit.

        Empty where it leaves them as they are: a plan of metadata, a conflict. 409 ``stale_plan`` as for applying.
        """
        artifact = request.query_params.get("artifact")
        if not artifact:
            problem = FieldProblem("artifact", "required", "say which, by its id")
            raise InvalidParameter("artifact: say which, by its id", errors=(problem,))
        found = plan_diff(self.collection.slug, str(self._plan().pk), artifact.strip().lower(), report=SilentReport())
        files: Any = found.files
        page = self.paginate_queryset(files)
        return self.get_paginated_response([difference.to_json() for difference in page or ()])

    def known_query_params(self) -> set[str]:
        return {"artifact", "limit", "offset"} if self.action == "diff" else super().known_query_params()

    @extend_schema(request=DryRun, responses=job_or(RefreshResponse), parameters=[SLUG, PREFER])
    def apply(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Do exactly that; 409 ``stale_plan`` where the collection has moved."""
        return self.run(apply, slug=self.collection.slug, plan_id=str(self._plan().pk), **self.validated(DryRun))
