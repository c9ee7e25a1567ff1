"""How an action of the REST face becomes a job: inline, asynchronous, or a dry run."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.api.filters import refuse_unknown
from skillmeat_site.core.api.serializers import JobSerializer
from skillmeat_site.core.jobs import runner, settling
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import JobStatus, Trigger

MAX_INLINE_OBJECTS = 20
MAX_WAIT_SECONDS = 30
POLL_SECONDS = 0.2

PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`respond-async` answers 202 with a job; `respond-async, wait=10` holds up to that many seconds.",
)


def job_or(serializer: Any) -> dict[int, Any]:
    """The answers of an action for the OpenAPI description."""
    return {
        200: serializer,
        202: OpenApiResponse(JobSerializer, "The job; its result will have the shape of the 200 answer."),
    }


def actor_of(request: Any) -> Actor:
    return Actor(Trigger.API, request.user.pk, request.user.get_username())


class StrictQueryMixin:
    """Refuses query parameters that the view does not know."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        refuse_unknown(request.query_params, self.known_query_params(), "query parameter")

    def known_query_params(self) -> set[str]:
        if getattr(self, "action", None) != "list" and getattr(self, "action", None) not in self.list_actions:
            return set()
        filterset = getattr(self, "filterset_class", None)
        names = set(filterset.base_filters) | {"ordering"} if filterset else set()
        pagination: Any = getattr(self, "pagination_class", None)
        return {*names, *getattr(pagination, "query_params", ())}

    list_actions: tuple[str, ...] = ()


class ActionMixin(StrictQueryMixin):
    """``self.run(job, **params)`` in a view: the whole of what an action has to do."""

    def validated(self, serializer_class: Any) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data, context={"request": self.request})  # type: ignore[attr-defined]
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def run(self, definition: JobDefinition, *, dry_run: bool = False, **params: Any) -> Response:
        request: Request = self.request  # type: ignore[attr-defined]
        actor = actor_of(request)
        if dry_run:
            result = definition.function(DryRunContext(actor), **params, dry_run=True)
            return Response(result.to_json())
        asynchronous, wait = preference(request.headers.get("Prefer", ""))
        if asynchronous or definition.size(params) > MAX_INLINE_OBJECTS:
            job = runner.enqueue(definition, params, actor)
            return job_response(job, applied=asynchronous, wait=wait)
        return Response(runner.run_inline(definition, params, actor).unwrap().to_json())


def preference(header: str) -> tuple[bool, int]:
    """``Prefer`` (RFC 7240) as (asynchronous, seconds to wait, at most 30)."""
    words = [word.strip().lower() for word in re.split(r"[,;]", header)]
    waits = [match[1] for word in words if (match := re.fullmatch(r"wait\s*=\s*\"?(\d{1,6})\"?", word))]
    wait = min(int(waits[0]), MAX_WAIT_SECONDS) if waits else 0
    return "respond-async" in words, wait


def job_response(job: Job, *, applied: bool, wait: int = 0) -> Response:
    """202 with the job; within ``wait`` seconds what it comes to, as inline: 200 with its result, or its error."""
    deadline = time.monotonic() + wait
    while wait and job.is_active and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        job.refresh_from_db()
    location = reverse("job-detail", args=[job.pk])
    headers: Mapping[str, str] = {"Location": location}
    if applied:
        headers = {**headers, "Preference-Applied": f"respond-async, wait={wait}" if wait else "respond-async"}
    error = settling.error_of(job)
    if wait and error is not None:
        raise error
    if error is None and job.status in (JobStatus.SUCCEEDED, JobStatus.PARTIAL, JobStatus.FAILED):
        return Response(job.result, headers=dict(headers))
    return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED, headers=dict(headers))
