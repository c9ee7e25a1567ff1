"""Importing over REST: of a source, of entries of any sources, anew, and what an import would bring."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.filters import EntryFilter
from marketplace.api.import_serializers import (
    BulkImportResultSerializer,
    BulkReimportRequest,
    EntryDiffSerializer,
    EntryFilesSerializer,
    ImportRequest,
    ImportResultSerializer,
    ReimportRequest,
    ReimportResultSerializer,
)
from marketplace.jobs import bulk_import, bulk_reimport, import_source, reimport
from marketplace.models import CatalogEntry
from marketplace.services.entry_files import entry_diff, entry_files
from skillmeat_site.core.api.actions import PREFER, ActionMixin, job_or
from skillmeat_site.core.api.filters import select
from skillmeat_site.core.api.serializers import BulkResultSerializer
from skillmeat_site.core.reporting import SilentReport

IMPORT = "collections_app.import_entry"
COLLECTION = OpenApiParameter("collection", str, description="Which, where the entry is imported into several.")


def chosen_entries(body: dict[str, Any], entries: Any) -> dict[str, Any]:
    """The body with its selection frozen to ids."""
    if "filter" in body:
        chosen = select(EntryFilter, entries, body.pop("filter"))
        body["ids"] = list(chosen.order_by("pk").values_list("pk", flat=True))
    return body


class SourceImports(ActionMixin):
    """What a source's view can do about importing."""

    @extend_schema(request=ImportRequest, responses=job_or(ImportResultSerializer), parameters=[PREFER])
    @action(detail=True, methods=["post"], url_path="import")
    def import_entries(self, request: Request, pk: Any = None) -> Response:
        source = self.get_object()  # type: ignore[attr-defined]
        entries = CatalogEntry.objects.for_user(request.user).filter(source=source)
        return self.run(import_source, source_id=source.pk, **chosen_entries(self.validated(ImportRequest), entries))


class BulkImports(ActionMixin):
    """What the view of all entries can do about importing."""

    @extend_schema(request=ImportRequest, responses=job_or(BulkImportResultSerializer), parameters=[PREFER])
    @action(detail=False, methods=["post"], url_path="bulk-import")
    def bulk_import(self, request: Request) -> Response:
        entries = CatalogEntry.objects.for_user(request.user)
        return self.run(bulk_import, **chosen_entries(self.validated(ImportRequest), entries))

    @extend_schema(request=BulkReimportRequest, responses=job_or(BulkResultSerializer), parameters=[PREFER])
    @action(detail=False, methods=["post"], url_path="bulk-reimport")
    def bulk_reimport(self, request: Request) -> Response:
        entries = CatalogEntry.objects.for_user(request.user)
        return self.run(bulk_reimport, **chosen_entries(self.validated(BulkReimportRequest), entries))


class EntryImports(ActionMixin):
    """What the view of one entry can do about importing."""

    @extend_schema(responses=EntryFilesSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def files(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Reads upstream where the mirror does not have the commit."""
        entry = self.get_object()  # type: ignore[attr-defined]
        return Response(entry_files(entry, SilentReport()))

    @extend_schema(responses=EntryDiffSerializer, parameters=[COLLECTION])
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def diff(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """From what lies in a collection to what the repository has at the commit of the last scan."""
        entry = self.get_object()  # type: ignore[attr-defined]
        return Response(entry_diff(entry, SilentReport(), collection=request.query_params.get("collection", "")))

    @extend_schema(request=ReimportRequest, responses=job_or(ReimportResultSerializer), parameters=[PREFER])
    @action(detail=True, methods=["post"])
    def reimport(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        entry = self.get_object()  # type: ignore[attr-defined]
        body = self.validated(ReimportRequest)
        return self.run(reimport, source_id=entry.source_id, entry_id=entry.pk, **body)
