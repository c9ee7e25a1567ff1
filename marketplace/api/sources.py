"""Sources: register, change, forget, scan."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.filters import SourceFilter
from marketplace.api.imports import IMPORT, SourceImports
from marketplace.api.serializers import (
    BulkRescanRequest,
    BulkSourceUpdate,
    DeletionSerializer,
    RescanRequest,
    ScanResultSerializer,
    SourceChange,
    SourceCreate,
    SourceDraftSerializer,
    SourceSerializer,
    SourceWithScanSerializer,
)
from marketplace.api.tags import TagActions
from marketplace.jobs import bulk_rescan, bulk_update_sources, rescan
from marketplace.models import Source
from marketplace.services.sources import create_source, delete_source, update_source
from skillmeat_site.core.api.actions import PREFER, actor_of, job_or
from skillmeat_site.core.api.conditional import check_match, edit, etag
from skillmeat_site.core.api.filters import select
from skillmeat_site.core.api.serializers import BulkResultSerializer
from skillmeat_site.core.errors import DomainError, PermissionDenied
from skillmeat_site.core.results import ItemOutcome

DRY_RUN = OpenApiParameter("dry_run", bool, description="Tell what would be deleted, delete nothing.")


@extend_schema_view(list=extend_schema(responses=SourceSerializer(many=True)))
class SourceViewSet(
    TagActions, SourceImports, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Source]
):
    """Registered repositories."""

    queryset = Source.objects.all()
    serializer_class = SourceSerializer
    filterset_class = SourceFilter
    lookup_value_converter = "int"
    action_permissions = {
        "rescan": "marketplace.rescan_source",
        "bulk_rescan": "marketplace.rescan_source",
        "bulk_update": "marketplace.change_source",
        "path_tags": "marketplace.change_source",
        "auto_tags": "marketplace.change_source",
        "import_entries": IMPORT,
        "refresh_auto_tags": "marketplace.rescan_source",
        "bulk_refresh_auto_tags": "marketplace.rescan_source",
    }

    def get_queryset(self) -> QuerySet[Source]:
        return Source.objects.for_user(self.request.user).for_list()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        source = self.get_object()
        return Response(SourceSerializer(source).data, headers={"ETag": etag(source)})

    @extend_schema(
        request=SourceCreate,
        responses={201: SourceWithScanSerializer, 200: OpenApiResponse(SourceDraftSerializer, "A dry run.")},
        parameters=[PREFER],
    )
    def create(self, request: Request) -> Response:
        fields = self.validated(SourceCreate)
        scan, dry_run = fields.pop("scan"), fields.pop("dry_run")
        if scan and not request.user.has_perm(self.action_permissions["rescan"]):
            raise PermissionDenied("You may register sources, but not scan them.")
        with edit(dry_run=dry_run):
            source = create_source(actor=actor_of(request), **fields)
            shown = self.get_queryset().get(pk=source.pk)
            body = dict(SourceSerializer(shown).data)
        if dry_run:
            return Response({**body, "id": None, "dry_run": True})
        if scan:
            body = {**body, "scan": self._first_scan(source)}
            shown = self.get_queryset().get(pk=source.pk)
        headers = {"Location": reverse("source-detail", args=[source.pk]), "ETag": etag(shown)}
        return Response({**body, **SourceSerializer(shown).data}, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(request=SourceChange, responses=SourceSerializer)
    def partial_update(self, request: Request, pk: Any = None) -> Response:
        source = self.get_object()
        changes = self.validated(SourceChange)
        dry_run = changes.pop("dry_run")
        with edit(dry_run=dry_run):
            locked = Source.objects.select_for_update().get(pk=source.pk)
            check_match(request, locked)
            update_source(locked, actor=actor_of(request), changes=changes)
            response = self.retrieve(request)
        if dry_run:
            return Response({**response.data, "dry_run": True})
        return response

    @extend_schema(responses={204: None, 200: DeletionSerializer}, parameters=[DRY_RUN])
    def destroy(self, request: Request, pk: Any = None) -> Response:
        source = self.get_object()
        dry_run = request.query_params.get("dry_run", "false") == "true"
        would = {"id": source.pk, "outcome": ItemOutcome.REMOVED, "entries": source.entries.count(), "dry_run": True}
        with edit(dry_run=dry_run):
            locked = Source.objects.select_for_update().get(pk=source.pk)
            check_match(request, locked)
            delete_source(locked, actor=actor_of(request))
        return Response(would) if dry_run else Response(status=status.HTTP_204_NO_CONTENT)

    def known_query_params(self) -> set[str]:
        return {"dry_run"} if self.action == "destroy" else super().known_query_params()

    @extend_schema(request=RescanRequest, responses=job_or(ScanResultSerializer), parameters=[PREFER])
    @action(detail=True, methods=["post"])
    def rescan(self, request: Request, pk: Any = None) -> Response:
        return self.run(rescan, source_id=self.get_object().pk, **self.validated(RescanRequest))

    @extend_schema(request=BulkRescanRequest, responses=job_or(BulkResultSerializer), parameters=[PREFER])
    @action(detail=False, methods=["post"], url_path="bulk-rescan")
    def bulk_rescan(self, request: Request) -> Response:
        return self.run(bulk_rescan, **self.selected(BulkRescanRequest))

    @extend_schema(request=BulkSourceUpdate, responses=job_or(BulkResultSerializer), parameters=[PREFER])
    @action(detail=False, methods=["post"], url_path="bulk-update")
    def bulk_update(self, request: Request) -> Response:
        return self.run(bulk_update_sources, **self.selected(BulkSourceUpdate))

    def selected(self, serializer_class: Any) -> dict[str, Any]:
        """The body with its selection frozen to ids."""
        body = self.validated(serializer_class)
        if "filter" in body:
            chosen = select(SourceFilter, self.get_queryset(), body.pop("filter"))
            body["ids"] = list(chosen.order_by("pk").values_list("pk", flat=True))
        return body

    def _first_scan(self, source: Source) -> Any:
        try:
            return self.run(rescan, source_id=source.pk, force=False, allow_removals=False).data
        except DomainError as error:
            return {"outcome": "failed", "code": error.code, "detail": error.detail}
