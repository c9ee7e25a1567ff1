"""Snapshots of a collection."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from collections_app.api.below import SLUG, BelowCollection
from collections_app.api.filters import SnapshotFilter
from collections_app.api.serializers import (
    DryRun,
    FileDifferenceSerializer,
    RestoredSerializer,
    SnapshotCreate,
    SnapshotDraft,
    SnapshotSerializer,
    SnapshotShape,
)
from collections_app.jobs import restore, snapshot
from collections_app.models import Snapshot
from collections_app.querysets import SnapshotQuerySet
from collections_app.services.snapshot_diff import snapshot_diff
from collections_app.services.snapshots import find_snapshot
from skillmeat_site.core.api.actions import PREFER, job_or

AGAINST = OpenApiParameter("against", str, description="Another snapshot; without it the collection as it is now.")
PATH = OpenApiParameter("path", str, description="Only what is at or below this path.")


@extend_schema_view(
    list=extend_schema(parameters=[SLUG], responses=SnapshotShape(many=True)),
    retrieve=extend_schema(parameters=[SLUG], responses=SnapshotShape),
)
class SnapshotViewSet(
    BelowCollection, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Snapshot]
):
    queryset = Snapshot.objects.all()
    serializer_class = SnapshotSerializer
    filterset_class = SnapshotFilter
    action_permissions = {"restore": "collections_app.change_collection"}

    def get_queryset(self) -> SnapshotQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Snapshot.objects.none()
        return Snapshot.objects.for_user(self.request.user).for_list().filter(collection=self.collection)

    def filter_queryset(self, queryset: Any) -> Any:
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    @extend_schema(
        request=SnapshotCreate,
        responses={**job_or(SnapshotShape), 201: SnapshotShape, 200: OpenApiResponse(SnapshotDraft, "A dry run.")},
        parameters=[SLUG, PREFER],
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = self.run(snapshot, slug=self.collection.slug, **self.validated(SnapshotCreate))
        made = response.data.get("id") if response.status_code == status.HTTP_200_OK else None
        if made is None or "commit_oid" not in response.data:
            return response
        place = reverse("user-collection-snapshot", args=[self.collection.slug, made])
        headers = {**dict(response.items()), "Location": place}
        return Response(response.data, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(request=DryRun, responses=job_or(RestoredSerializer), parameters=[SLUG, PREFER])
    def restore(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give back every byte, after a safety snapshot of what is there now."""
        row = self.get_object()
        return self.run(restore, slug=self.collection.slug, snapshot_id=str(row.pk), **self.validated(DryRun))

    @extend_schema(responses=FileDifferenceSerializer(many=True), parameters=[SLUG, AGAINST, PATH], filters=False)
    def diff(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """File by file, from this snapshot to another, or to the collection as it is now."""
        row = self.get_object()
        other = request.query_params.get("against")
        against = find_snapshot(self.collection, other) if other else None
        found: Any = snapshot_diff(row, against, below=request.query_params.get("path", ""))
        page = self.paginate_queryset(found)
        return self.get_paginated_response([difference.to_json() for difference in page or ()])

    def known_query_params(self) -> set[str]:
        if self.action == "diff":
            return {"against", "path", "limit", "offset"}
        return super().known_query_params()
