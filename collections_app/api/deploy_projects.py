"""Projects: register, forget, and what has become of what is deployed in them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collections_app.api.deploy_deployments import DRY_RUN
from collections_app.api.deploy_filters import ProjectFilter
from collections_app.api.deploy_serializers import (
    DriftSerializer,
    ProjectCreate,
    ProjectDeletionSerializer,
    ProjectSerializer,
)
from collections_app.models import Project
from collections_app.services.drift import drift_of
from collections_app.services.projects import forget_project, register_project
from skillmeat_site.core.api.actions import ActionMixin, actor_of
from skillmeat_site.core.api.conditional import edit
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import ItemOutcome


class ProjectViewSet(ActionMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Project]):
    """Folders into which artifacts are deployed."""

    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilter
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Project]:
        return Project.objects.for_user(self.request.user).for_list()

    @extend_schema(request=ProjectCreate, responses={201: ProjectSerializer})
    def create(self, request: Request) -> Response:
        """Register a folder below an allowed root; what its own record says is deployed there is taken in."""
        fields = self.validated(ProjectCreate)
        dry_run = fields.pop("dry_run")
        with edit(dry_run=dry_run):
            project = register_project(**fields, actor=actor_of(request), report=SilentReport())
            body = dict(ProjectSerializer(self.get_queryset().get(pk=project.pk)).data)
        if dry_run:
            return Response({**body, "id": None, "dry_run": True})
        headers = {"Location": reverse("project-detail", args=[project.pk])}
        return Response(body, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(responses={204: None, 200: ProjectDeletionSerializer}, parameters=[DRY_RUN])
    def destroy(self, request: Request, pk: Any = None) -> Response:
        """Forget a project. Nothing on its disk is touched."""
        project = self.get_object()
        value = request.query_params.get("dry_run", "false")
        if value not in ("true", "false"):
            raise InvalidParameter("dry_run: must be true or false")
        if value == "true":
            would = {"id": project.pk, "outcome": ItemOutcome.REMOVED, "deployments": project.deployments.count()}
            return Response({**would, "dry_run": True})
        forget_project(project, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=DriftSerializer, filters=False)
    @action(detail=True, methods=["get"])
    def drift(self, request: Request, pk: Any = None) -> Response:
        """The state of everything that is deployed, from three content ids; nothing is written."""
        return Response(drift_of(self.get_object()).to_json())

    def known_query_params(self) -> set[str]:
        return {"dry_run"} if self.action == "destroy" else super().known_query_params()
