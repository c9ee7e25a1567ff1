"""REST framework and the OpenAPI description."""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "skillmeat_site.core.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["skillmeat_site.core.api.permissions.ScopedModelPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["skillmeat_site.core.api.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "skillmeat_site.core.api.pagination.LimitOffset",
    "DEFAULT_FILTER_BACKENDS": ["skillmeat_site.core.api.filters.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "skillmeat_site.core.api.schema.DescribedWithProblems",
    "DEFAULT_VERSIONING_CLASS": None,
    "EXCEPTION_HANDLER": "skillmeat_site.core.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "SkillMeat",
    "DESCRIPTION": "Sources, catalog and jobs. Errors are application/problem+json (RFC 9457).",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATIONS": True,
    "ENUM_NAME_OVERRIDES": {
        "ArtifactTypeEnum": "marketplace.api.serializers.ARTIFACT_TYPES",
        "TagKindEnum": "marketplace.api.tag_serializers.KINDS",
        "ArtifactKindEnum": "collections_app.api.deploy_serializers.KINDS",
        "DriftStateEnum": "collections_app.api.deploy_serializers.STATES",
        "ArtifactStateEnum": "collections_app.api.filters.STATES",
        "PlanStateEnum": "collections_app.api.refresh.PLAN_STATES",
        "ProfileEnum": "collections_app.api.deploy_serializers.PROFILES",
        "TagStatusEnum": "marketplace.api.tag_serializers.STATUSES",
    },
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}
