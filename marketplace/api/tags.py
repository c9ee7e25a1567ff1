"""Decisions on the tags that a source's repository suggests."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.filters import SourceFilter
from marketplace.api.tag_serializers import (
    BulkTagRefreshRequest,
    SourceTagSerializer,
    TagDecision,
    TagRefreshesSerializer,
    TagRefreshRequest,
    TagRefreshSerializer,
)
from marketplace.models import Source
from marketplace.models.tag import TagKind, TagStatus
from marketplace.services.tags import decide_tag
from marketplace.tag_jobs import bulk_refresh_auto_tags, refresh_auto_tags, spread_later
from skillmeat_site.core.api.actions import PREFER, ActionMixin, actor_of, job_or
from skillmeat_site.core.api.conditional import check_match, edit, etag
from skillmeat_site.core.api.filters import select


class TagActions(ActionMixin):
    """Part of the view of sources."""

    @extend_schema(request=TagDecision, responses=SourceTagSerializer)
    @action(detail=True, methods=["patch"], url_path="path-tags")
    def path_tags(self, request: Request, pk: Any = None) -> Response:
        """Approve or reject a tag that folders suggest; `pending` takes it back. The ETag is the source's."""
        return self._decide(request, TagKind.PATH)

    @extend_schema(request=TagDecision, responses=SourceTagSerializer)
    @action(detail=True, methods=["patch"], url_path="auto-tags")
    def auto_tags(self, request: Request, pk: Any = None) -> Response:
        """Approve or reject a tag out of the topics; `pending` takes it back. The ETag is the source's."""
        return self._decide(request, TagKind.TOPIC)

    @extend_schema(request=TagRefreshRequest, responses=job_or(TagRefreshSerializer), parameters=[PREFER])
    @action(detail=True, methods=["post"], url_path="refresh-auto-tags")
    def refresh_auto_tags(self, request: Request, pk: Any = None) -> Response:
        """Bring the tags out of topics up to what GitHub says now; decisions hold. 503 where a limit is reached."""
        source: Source = self.get_object()  # type: ignore[attr-defined]
        return self.run(refresh_auto_tags, source_id=source.pk, **self.validated(TagRefreshRequest))

    @extend_schema(request=BulkTagRefreshRequest, responses=job_or(TagRefreshesSerializer), parameters=[PREFER])
    @action(detail=False, methods=["post"], url_path="bulk-refresh-auto-tags")
    def bulk_refresh_auto_tags(self, request: Request) -> Response:
        """The same for many sources, each settling by itself; what a limit leaves over is `deferred`."""
        body = self.validated(BulkTagRefreshRequest)
        if "filter" in body:
            chosen = select(SourceFilter, self.get_queryset(), body["filter"])  # type: ignore[attr-defined]
            ids = list(chosen.order_by("pk").values_list("pk", flat=True))
        else:
            ids = body["source_ids"]
        return self.run(bulk_refresh_auto_tags, ids=ids, dry_run=body["dry_run"])

    def _decide(self, request: Request, kind: TagKind) -> Response:
        source: Source = self.get_object()  # type: ignore[attr-defined]
        body = self.validated(TagDecision)
        actor, dry_run = actor_of(request), body["dry_run"]
        with edit(dry_run=dry_run):
            locked = Source.objects.select_for_update().get(pk=source.pk)
            check_match(request, locked)
            before = locked.updated_at
            tag = decide_tag(locked, kind, body["value"], body["status"], actor=actor)
            locked.refresh_from_db(fields=["updated_at"])
            if tag.status == TagStatus.APPROVED and locked.updated_at != before and not dry_run:
                spread_later([tag.pk], actor)
        shown = dict(SourceTagSerializer(tag).data)
        if dry_run:
            return Response({**shown, "dry_run": True})
        return Response(shown, headers={"ETag": etag(locked)})
