"""Catalog entries: of all sources, or of one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.filters import EntryFilter
from marketplace.api.imports import COLLECTION, IMPORT, BulkImports, EntryImports, chosen_entries
from marketplace.api.serializers import BulkEntryUpdate, EntryChange, EntrySerializer
from marketplace.jobs import bulk_update_entries
from marketplace.models import CatalogEntry, Source
from marketplace.querysets import EntryQuerySet
from marketplace.services.entries import set_excluded
from skillmeat_site.core.api.actions import PREFER, actor_of, job_or
from skillmeat_site.core.api.conditional import check_match, edit, etag
from skillmeat_site.core.api.pagination import KeysetCursor
from skillmeat_site.core.api.serializers import BulkResultSerializer


class EntryViewSet(
    EntryImports, BulkImports, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[CatalogEntry]
):
    queryset = CatalogEntry.objects.all()
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    pagination_class = KeysetCursor
    lookup_value_converter = "int"
    action_permissions = {
        "bulk_update": "marketplace.change_catalogentry",
        "bulk_import": IMPORT,
        "bulk_reimport": IMPORT,
        "reimport": IMPORT,
    }

    def get_queryset(self) -> EntryQuerySet:
        return CatalogEntry.objects.for_user(self.request.user).for_list()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        entry = self.get_object()
        return Response(EntrySerializer(entry).data, headers={"ETag": etag(entry)})

    def known_query_params(self) -> set[str]:
        return {"collection"} if self.action == "diff" else super().known_query_params()

    def filter_queryset(self, queryset: Any) -> Any:
        """A single entry is shown whatever it is; only lists hide some."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    @extend_schema(request=EntryChange, responses=EntrySerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        entry = self.get_object()
        changes = self.validated(EntryChange)
        dry_run = changes.pop("dry_run")
        with edit(dry_run=dry_run):
            locked = CatalogEntry.objects.select_for_update().get(pk=entry.pk)
            check_match(request, locked)
            excluded = changes.get("excluded", locked.excluded_at is not None)
            reason = changes.get("excluded_reason", locked.excluded_reason)
            set_excluded([locked.pk], excluded=excluded, reason=reason, actor=actor_of(request))
            response = self.retrieve(request)
        if dry_run:
            return Response({**response.data, "dry_run": True})
        return response

    @extend_schema(request=BulkEntryUpdate, responses=job_or(BulkResultSerializer), parameters=[PREFER])
    @action(detail=False, methods=["post"], url_path="bulk-update")
    def bulk_update(self, request: Request) -> Response:
        body = chosen_entries(self.validated(BulkEntryUpdate), CatalogEntry.objects.for_user(request.user))
        body["reason"] = body.pop("excluded_reason")
        return self.run(bulk_update_entries, **body)


SOURCE_ID = OpenApiParameter("source_id", OpenApiTypes.INT, OpenApiParameter.PATH)


@extend_schema_view(
    list=extend_schema(parameters=[SOURCE_ID]),
    retrieve=extend_schema(parameters=[SOURCE_ID]),
    partial_update=extend_schema(parameters=[SOURCE_ID]),
    files=extend_schema(parameters=[SOURCE_ID]),
    diff=extend_schema(parameters=[SOURCE_ID, COLLECTION]),
    reimport=extend_schema(parameters=[SOURCE_ID, PREFER]),
)
class SourceEntryViewSet(EntryViewSet):
    """The same, below their source."""

    bulk_update = bulk_import = bulk_reimport = None  # type: ignore[assignment]

    def get_queryset(self) -> EntryQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return CatalogEntry.objects.none()
        source = get_object_or_404(Source.objects.for_user(self.request.user), pk=self.kwargs["source_id"])
        return super().get_queryset().filter(source=source)
