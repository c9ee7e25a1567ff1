"""Deployments: list, deploy, undeploy."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collections_app.api.deploy_filters import DeployableFilter, DeploymentFilter
from collections_app.api.deploy_serializers import (
    BulkDeployRequest,
    BulkUndeployRequest,
    DeploymentBulkSerializer,
    DeploymentResultSerializer,
    DeploymentSerializer,
    DeployRequest,
)
from collections_app.jobs import bulk_deploy, bulk_undeploy, deploy, undeploy_one
from collections_app.models import Artifact, Deployment, Project
from collections_app.services.drift import states_of
from collections_app.services.projects import project_at
from skillmeat_site.core.api.actions import PREFER, ActionMixin, job_or
from skillmeat_site.core.api.filters import select
from skillmeat_site.core.errors import InvalidParameter, NotFound, PermissionDenied
from skillmeat_site.core.results import ItemOutcome

DEPLOY = "collections_app.deploy_artifact"
FORCE = OpenApiParameter("force", bool, description="Remove it also where it was edited since.")
DRY_RUN = OpenApiParameter("dry_run", bool, description="Tell what would be done, do nothing.")


class DeploymentViewSet(
    ActionMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Deployment]
):
    """What is deployed where. States are looked up on the disk when the answer is made."""

    queryset = Deployment.objects.all()
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
    lookup_value_converter = "uuid"
    action_permissions = {"create": DEPLOY, "destroy": DEPLOY, "bulk_deploy": DEPLOY, "bulk_undeploy": DEPLOY}

    def get_queryset(self) -> QuerySet[Deployment]:
        return Deployment.objects.for_user(self.request.user).for_list()

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """With the states of the rows that are shown."""
        rows = args[0] if args else []
        rows = [rows] if isinstance(rows, Deployment) else list(rows)
        context = {**self.get_serializer_context(), "states": states_of(rows)}
        return DeploymentSerializer(*args, **{**kwargs, "context": context})

    @extend_schema(
        request=DeployRequest,
        responses={**job_or(DeploymentResultSerializer), 201: DeploymentResultSerializer},
        parameters=[PREFER],
    )
    def create(self, request: Request) -> Response:
        """Deploy one artifact: 201 where it was not there before, 200 where it was; a conflict is 409."""
        body = self.validated(DeployRequest)
        body["artifact"] = str(body["artifact"])
        body["project"] = self.folder(body["project"])
        response = self.run(deploy, **body)
        created = response.status_code == status.HTTP_200_OK and response.data["outcome"] == ItemOutcome.CREATED
        if created and not body["dry_run"]:
            response.status_code = status.HTTP_201_CREATED
            response["Location"] = reverse("deployment-detail", args=[response.data["id"]])
        return response

    @extend_schema(
        request=None,
        responses={**job_or(DeploymentResultSerializer), 204: None},
        parameters=[FORCE, DRY_RUN, PREFER],
    )
    def destroy(self, request: Request, pk: Any = None) -> Response:
        """Undeploy. What was edited in the project is kept: 409 ``modified``, unless ``force``."""
        row = self.get_object()
        dry_run = self.flag("dry_run")
        response = self.run(undeploy_one, deployment=str(row.pk), force=self.flag("force"), dry_run=dry_run)
        if response.status_code == status.HTTP_200_OK and not dry_run:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return response

    @extend_schema(
        request=BulkDeployRequest, responses=job_or(DeploymentBulkSerializer), parameters=[PREFER], filters=False
    )
    @action(detail=False, methods=["post"], url_path="bulk-deploy")
    def bulk_deploy(self, request: Request) -> Response:
        body = self.validated(BulkDeployRequest)
        body["project"] = self.folder(body["project"])
        if "filter" in body:
            rows = Artifact.objects.for_user(request.user)
            body["ids"] = _ids(select(DeployableFilter, rows, body.pop("filter")))
        return self.run(bulk_deploy, **body)

    @extend_schema(
        request=BulkUndeployRequest, responses=job_or(DeploymentBulkSerializer), parameters=[PREFER], filters=False
    )
    @action(detail=False, methods=["post"], url_path="bulk-undeploy")
    def bulk_undeploy(self, request: Request) -> Response:
        body = self.validated(BulkUndeployRequest)
        if "filter" in body:
            body["ids"] = _ids(select(DeploymentFilter, self.get_queryset(), body.pop("filter")))
        return self.run(bulk_undeploy, **body)

    def folder(self, project: str) -> str:
        """The path of a project that is named by id or path. Who may not register projects names a known one."""
        rows = Project.objects.for_user(self.request.user)
        if project.isdecimal():
            row = rows.filter(pk=int(project)).first() if len(project) < 19 else None
            if row is None:
                raise NotFound(f"There is no project {project}.")
            return row.path
        found = project_at(project)
        if found.pk is None and not self.request.user.has_perm("collections_app.add_project"):
            raise PermissionDenied("You may deploy into registered projects, but not register one.")
        return found.path

    def flag(self, name: str) -> bool:
        value = self.request.query_params.get(name, "false")
        if value not in ("true", "false"):
            raise InvalidParameter(f"{name}: must be true or false")
        return value == "true"

    def known_query_params(self) -> set[str]:
        return {"force", "dry_run"} if self.action == "destroy" else super().known_query_params()


def _ids(rows: QuerySet[Any]) -> list[str]:
    return [str(pk) for pk in rows.order_by("pk").values_list("pk", flat=True)]
