"""What the OpenAPI description has to be told about our own classes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from skillmeat_site.core.api.problems import CONTENT_TYPE
from skillmeat_site.core.api.serializers import ProblemSerializer

PROBLEMS = ("4XX", "5XX")


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "skillmeat_site.core.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "Made in the admin or by `manage.py create_token`."}


class StrictInput(OpenApiSerializerExtension):
    """A body with a field nobody knows is refused: the description says so, and what else the class knows."""

    target_class = "skillmeat_site.core.api.serializers.Strict"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        told: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**told, "additionalProperties": False, **self.target.described_as}


class StrictFilters(DjangoFilterExtension):
    """Besides its filters, a list takes ``ordering``."""

    target_class = "skillmeat_site.core.api.filters.StrictFilterBackend"
    priority = 1

    def get_schema_operation_parameters(self, auto_schema: Any, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = super().get_schema_operation_parameters(auto_schema, *args, **kwargs)
        filterset = self.target.get_filterset_class(auto_schema.view)
        if filterset is None:
            return told
        words = {"type": "string", "enum": filterset.known_orderings()}
        ordering = {"type": "array", "items": words}
        return [*told, {"name": "ordering", "in": "query", "required": False, "schema": ordering}]


class DescribedWithProblems(AutoSchema):
    """Any operation may be refused, and a refusal has one shape: no view has to say so."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        told: dict[str, Any] = super()._get_response_bodies(direction)
        for status in PROBLEMS:
            if status not in told:
                problem = OpenApiResponse(ProblemSerializer, "A problem.")
                told[status] = self._get_response_for_code(problem, status, [CONTENT_TYPE], direction)
        return told
