"""Jobs and their items."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from skillmeat_site.core.api.actions import StrictQueryMixin, actor_of, job_response
from skillmeat_site.core.api.filters import ChoiceList, FilterSet
from skillmeat_site.core.api.pagination import KeysetCursor
from skillmeat_site.core.api.problems import CONTENT_TYPE
from skillmeat_site.core.api.serializers import JobItemSerializer, JobSerializer, ProblemSerializer
from skillmeat_site.core.jobs import control
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import ItemOutcome, JobStatus, Trigger


class JobFilter(FilterSet):
    orderings = ("created_at", "finished_at", "kind", "status", "id")

    status = ChoiceList(words=[status.value for status in JobStatus], field_name="status")
    trigger = ChoiceList(words=[trigger.value for trigger in Trigger], field_name="trigger")
    kind = django_filters.CharFilter()
    parent = django_filters.UUIDFilter()

    class Meta:
        model = Job
        fields: list[str] = []


class JobItemFilter(FilterSet):
    outcome = ChoiceList(words=[outcome.value for outcome in ItemOutcome], field_name="outcome")

    class Meta:
        model = JobItem
        fields: list[str] = []


OUTCOME = OpenApiParameter("outcome", str, enum=[outcome.value for outcome in ItemOutcome], many=True)
PROBLEM = {(409, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, "The job has finished, or is still active.")}


class JobViewSet(StrictQueryMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Job]):
    """Every long operation, whichever face asked for it."""

    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    list_actions = ("items",)
    action_permissions = {"cancel": "core.cancel_job", "retry": "core.retry_job", "items": "core.view_job"}
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Job]:
        return Job.objects.for_user(self.request.user).for_list()

    @extend_schema(responses=JobItemSerializer(many=True), filters=False, parameters=[OUTCOME])
    @action(
        detail=True,
        serializer_class=JobItemSerializer,
        pagination_class=KeysetCursor,
        filterset_class=JobItemFilter,
    )
    def items(self, request: Request, pk: Any = None) -> Response:
        items: QuerySet[Any] = self.get_job().items.order_by("id")
        page = self.paginate_queryset(self.filter_queryset(items))
        return self.get_paginated_response(JobItemSerializer(page, many=True).data)

    @extend_schema(request=None, responses={200: JobSerializer, **PROBLEM})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: Any = None) -> Response:
        return Response(JobSerializer(control.cancel(self.get_job(), actor=actor_of(request))).data)

    @extend_schema(request=None, responses={202: JobSerializer, **PROBLEM})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: Any = None) -> Response:
        response = job_response(control.retry(self.get_job(), actor=actor_of(request)), applied=False)
        response.status_code = status.HTTP_202_ACCEPTED
        return response

    def get_job(self) -> Job:
        """The job of the URL, whatever filters the action's own list has."""
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
