"""Collections: make, rename, delete, index."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collections_app.api.filters import CollectionFilter
from collections_app.api.serializers import (
    CollectionChange,
    CollectionCreate,
    CollectionDeletionSerializer,
    CollectionDraftSerializer,
    CollectionSerializer,
    DryRun,
    IndexAllResultSerializer,
    IndexResultSerializer,
)
from collections_app.jobs import index, index_all
from collections_app.models import Collection
from collections_app.services.collections import create_collection, delete_collection, rename_collection
from skillmeat_site.core.api.actions import PREFER, ActionMixin, actor_of, job_or
from skillmeat_site.core.api.conditional import check_match, edit, etag
from skillmeat_site.core.api.filters import switch
from skillmeat_site.core.reporting import SilentReport

DRY_RUN = OpenApiParameter("dry_run", bool, description="Tell what would be done, do nothing.")
FORCE = OpenApiParameter("force", bool, description="Even while artifacts of it are deployed; those copies stay.")


@extend_schema_view(list=extend_schema(responses=CollectionSerializer(many=True)))
class CollectionViewSet(
    ActionMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Collection]
):
    """Collections on the server's disk."""

    queryset = Collection.objects.all()
    serializer_class = CollectionSerializer
    filterset_class = CollectionFilter
    lookup_field = "slug"
    lookup_url_kwarg = "slug"
    action_permissions = {
        "refresh_cache": "collections_app.refresh_collection",
        "refresh_all_caches": "collections_app.refresh_collection",
    }

    def get_queryset(self) -> QuerySet[Collection]:
        return Collection.objects.for_user(self.request.user).for_list().select_related("owner")

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        collection = self.get_object()
        return Response(CollectionSerializer(collection).data, headers={"ETag": etag(collection)})

    @extend_schema(
        request=CollectionCreate,
        responses={201: CollectionSerializer, 200: OpenApiResponse(CollectionDraftSerializer, "A dry run.")},
    )
    def create(self, request: Request) -> Response:
        fields = self.validated(CollectionCreate)
        row = create_collection(**fields, actor=actor_of(request), report=SilentReport())
        if fields["dry_run"]:
            row.artifact_count = row.updates_available = 0  # type: ignore[attr-defined]
            return Response({**CollectionSerializer(row).data, "dry_run": True})
        shown = self.get_queryset().get(pk=row.pk)
        headers = {"Location": reverse("user-collection-detail", args=[row.slug]), "ETag": etag(shown)}
        return Response(CollectionSerializer(shown).data, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(request=CollectionChange, responses=CollectionSerializer)
    def partial_update(self, request: Request, slug: str = "") -> Response:
        collection = self.get_object()
        changes = self.validated(CollectionChange)
        with edit(dry_run=changes["dry_run"]):
            locked = Collection.objects.select_for_update().get(pk=collection.pk)
            check_match(request, locked)
            if changes.get("name", locked.name) != locked.name:
                rename_collection(locked, name=changes["name"], actor=actor_of(request))
            response = self.retrieve(request)
        if changes["dry_run"]:
            return Response({**response.data, "dry_run": True})
        return response

    @extend_schema(responses={204: None, 200: CollectionDeletionSerializer}, parameters=[FORCE, DRY_RUN])
    def destroy(self, request: Request, slug: str = "") -> Response:
        collection = self.get_object()
        dry_run = switch(request, "dry_run")
        result = delete_collection(
            collection.slug,
            force=switch(request, "force"),
            actor=actor_of(request),
            report=SilentReport(),
            check=lambda row: check_match(request, row),
            dry_run=dry_run,
        )
        return Response(result.to_json()) if dry_run else Response(status=status.HTTP_204_NO_CONTENT)

    def known_query_params(self) -> set[str]:
        return {"dry_run", "force"} if self.action == "destroy" else super().known_query_params()

    @extend_schema(request=DryRun, responses=job_or(IndexResultSerializer), parameters=[PREFER])
    @action(detail=True, methods=["post"], url_path="refresh-cache")
    def refresh_cache(self, request: Request, slug: str = "") -> Response:
        """Bring the index up to date with the files."""
        return self.run(index, slug=self.get_object().slug, **self.validated(DryRun))

    @extend_schema(
        operation_id="user_collections_refresh_all_caches",
        request=DryRun,
        responses=job_or(IndexAllResultSerializer),
        parameters=[PREFER],
    )
    @action(detail=False, methods=["post"], url_path="refresh-cache")
    def refresh_all_caches(self, request: Request) -> Response:
        """The same for all collections."""
        slugs = list(self.get_queryset().order_by("slug").values_list("slug", flat=True))
        return self.run(index_all, slugs=slugs, **self.validated(DryRun))
