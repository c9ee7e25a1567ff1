"""For whoever watches the server: alive, ready, figures."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from skillmeat_site.core import metrics
from skillmeat_site.core.api.permissions import IsAuthenticatedInScope


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing else: a database that is away must not have it restarted."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers and its tables are the code's; 503 otherwise. No detail: anybody may ask."""
    try:
        executor = MigrationExecutor(connection)
        behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        behind = True
    return JsonResponse({"status": "unavailable" if behind else "ok"}, status=503 if behind else 200)


class MetricsView(APIView):
    """Prometheus text format; wants a token of scope read."""

    permission_classes = [IsAuthenticatedInScope]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
