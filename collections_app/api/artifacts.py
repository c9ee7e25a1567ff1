"""Artifacts of a collection."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from collections_app.api.below import SLUG, BelowCollection
from collections_app.api.collections import DRY_RUN
from collections_app.api.filters import ArtifactFilter
from collections_app.api.serializers import (
    ArtifactChange,
    ArtifactDeletionSerializer,
    ArtifactSerializer,
    FileSerializer,
)
from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.models import Artifact
from collections_app.querysets import ArtifactQuerySet
from collections_app.services.artifacts import edit_artifacts, remove_artifacts
from collections_app.services.contents import artifact_files
from skillmeat_site.core.api.actions import actor_of
from skillmeat_site.core.api.conditional import check_match, etag
from skillmeat_site.core.api.filters import switch
from skillmeat_site.core.errors import REGISTRY, DomainError
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import BulkResult, ItemOutcome


@extend_schema_view(
    list=extend_schema(parameters=[SLUG], responses=ArtifactSerializer(many=True)),
    retrieve=extend_schema(parameters=[SLUG]),
)
class ArtifactViewSet(
    BelowCollection, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Artifact]
):
    queryset = Artifact.objects.all()
    serializer_class = ArtifactSerializer
    filterset_class = ArtifactFilter

    def get_queryset(self) -> ArtifactQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Artifact.objects.none()
        return Artifact.objects.for_user(self.request.user).for_list().filter(collection=self.collection)

    def filter_queryset(self, queryset: Any) -> Any:
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        artifact = self.get_object()
        return Response(ArtifactSerializer(artifact).data, headers={"ETag": etag(artifact)})

    @extend_schema(request=ArtifactChange, responses=ArtifactSerializer, parameters=[SLUG])
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Goes to collection.toml first; a dry run answers the artifact as it would be."""
        artifact = self.get_object()
        said = self.validated(ArtifactChange)
        dry_run = said.pop("dry_run")
        if said.get("pin", "") is None:
            said["pin"] = ""
        result = edit_artifacts(
            [artifact.pk],
            ArtifactEdit.of(said),
            actor=actor_of(request),
            report=SilentReport(),
            check=lambda row: check_match(request, row),
            dry_run=dry_run,
        )
        raise_failure(result)
        response = self.retrieve(request)
        if dry_run:
            (row,) = result.rows
            would = {**(row.detail or {}), "pinned": bool((row.detail or {}).get("pin"))}
            return Response({**response.data, **would, "outcome": row.outcome.value, "dry_run": True})
        return response

    @extend_schema(responses={204: None, 200: ArtifactDeletionSerializer}, parameters=[SLUG, DRY_RUN])
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Takes it out of the collection, after a snapshot. Deployed copies stay."""
        artifact = self.get_object()
        dry_run = switch(request, "dry_run")
        result = remove_artifacts(
            [artifact.pk],
            actor=actor_of(request),
            report=SilentReport(),
            check=lambda row: check_match(request, row),
            dry_run=dry_run,
        )
        raise_failure(result)
        if dry_run:
            return Response({**result.rows[0].to_json(), "dry_run": True})
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=FileSerializer(many=True), parameters=[SLUG], filters=False)
    def files(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The files as they lie on disk now."""
        page = self.paginate_queryset(artifact_files(self.get_object()))
        return self.get_paginated_response([_file(entry) for entry in page or ()])

    def known_query_params(self) -> set[str]:
        if self.action == "files":
            return {"limit", "offset"}
        return {"dry_run"} if self.action == "destroy" else super().known_query_params()


def _file(entry: Any) -> dict[str, Any]:
    path = entry.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return {"path": path, "mode": entry.mode.value, "size": entry.size, "oid": entry.oid}


def raise_failure(result: BulkResult) -> None:
    """The failure of an operation on one object, as the error that it was."""
    (row,) = result.rows
    if row.outcome is ItemOutcome.FAILED:
        raise REGISTRY.get(row.code, DomainError)(row.message)
