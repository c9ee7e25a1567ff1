"""Decisions on the tags that a source's repository suggests."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.tag_serializers import SourceTagSerializer, TagDecision
from marketplace.models import Source
from marketplace.models.tag import TagKind
from marketplace.services.tags import decide_tag
from skillmeat_site.core.api.actions import ActionMixin, actor_of
from skillmeat_site.core.api.conditional import check_match, edit, etag


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

    def _decide(self, request: Request, kind: TagKind) -> Response:
        source: Source = self.get_object()  # type: ignore[attr-defined]
        body = self.validated(TagDecision)
        with edit(dry_run=body["dry_run"]):
            locked = Source.objects.select_for_update().get(pk=source.pk)
            check_match(request, locked)
            tag = decide_tag(locked, kind, body["value"], body["status"], actor=actor_of(request))
            locked.refresh_from_db(fields=["updated_at"])
        shown = dict(SourceTagSerializer(tag).data)
        if body["dry_run"]:
            return Response({**shown, "dry_run": True})
        return Response(shown, headers={"ETag": etag(locked)})
