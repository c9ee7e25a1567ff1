"""The project cache: look for projects, read them anew, tell how old everything is."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from cache_app.api.serializers import (
    CacheRefreshRequest,
    CacheRefreshSerializer,
    CacheStatusSerializer,
    DiscoverRequest,
    DiscoverySerializer,
)
from cache_app.jobs import discover, refresh
from cache_app.models import ProjectState
from cache_app.services.refreshing import named_project
from cache_app.services.status import cache_status
from skillmeat_site.core.api.actions import PREFER, ActionMixin, job_or


class CacheViewSet(ActionMixin, GenericViewSet[ProjectState]):
    queryset = ProjectState.objects.all()
    pagination_class = None
    filter_backends = ()
    action_permissions = {
        "discover": "collections_app.add_project",
        "refresh": "cache_app.change_projectstate",
        "status": "cache_app.view_projectstate",
    }

    @extend_schema(request=DiscoverRequest, responses=job_or(DiscoverySerializer), parameters=[PREFER])
    def discover(self, request: Request) -> Response:
        """Look for projects below the allowed roots: one object, whatever is found."""
        return self.run(discover, **self.validated(DiscoverRequest))

    @extend_schema(request=CacheRefreshRequest, responses=job_or(CacheRefreshSerializer), parameters=[PREFER])
    def refresh(self, request: Request) -> Response:
        """Read the stale projects from their disks, with ``force`` all; or one. Counts as many objects as it reads."""
        body = self.validated(CacheRefreshRequest)
        wanted = body.pop("project_id")
        ids = None if wanted is None else [named_project(wanted).pk]
        return self.run(refresh, ids=ids, **body)

    @extend_schema(responses=CacheStatusSerializer)
    def status(self, request: Request) -> Response:
        """What the cache holds and how old it is. Looks at no disk."""
        return Response(CacheStatusSerializer(cache_status().to_json()).data)
