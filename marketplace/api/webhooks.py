"""Where GitHub delivers. Anonymous: the signature is what counts."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.models.delivery import DeliveryOutcome
from marketplace.webhook_jobs import receive
from skillmeat_site.core.errors import InvalidParameter, NotAuthenticated
from skillmeat_site.core.text import storable
from skillmeat_site.upstream.webhooks import NoJson, delivery_id, is_signed, read_body

log = structlog.get_logger(__name__)

MAX_EVENT = 50
OUTCOMES = [outcome.value for outcome in DeliveryOutcome]


class ReceivedSerializer(serializers.Serializer[Any]):
    """What became of a delivery; `scans` is how many sources it had scanned."""

    delivery = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    scans = serializers.IntegerField()


def _header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description)


class GitHubWebhookView(APIView):
    """No session, no token, no CSRF: nothing but the body and its signature is looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="webhooks_github",
        request=OpenApiTypes.OBJECT,
        responses={202: OpenApiResponse(ReceivedSerializer, "Taken in; what is to be done waits in the queue.")},
        auth=[],
        parameters=[
            _header("X-Hub-Signature-256", "`sha256=` and the HMAC-SHA256 of the body by SKILLMEAT_WEBHOOK_SECRET."),
            _header("X-GitHub-Event", "`ping`, `push`, `repository`; others are ignored."),
            _header("X-GitHub-Delivery", "A delivery id counts once."),
        ],
    )
    def post(self, request: Request) -> Response:
        """Take in a delivery of a GitHub webhook. A push to a tracked ref has its sources scanned."""
        body: bytes = request._request.body  # exactly as it was signed; RequestDataTooBig is 413
        if not is_signed(body, request.headers.get("X-Hub-Signature-256", ""), settings.SKILLMEAT_WEBHOOK_SECRET):
            log.warning("webhook.refused", configured=bool(settings.SKILLMEAT_WEBHOOK_SECRET), size=len(body))
            raise NotAuthenticated("The signature of the delivery is missing or wrong.")
        try:
            document = read_body(body)
        except NoJson as error:
            raise InvalidParameter(str(error)) from None
        delivery = delivery_id(request.headers.get("X-GitHub-Delivery", ""), body)
        event = storable(request.headers.get("X-GitHub-Event", ""))[:MAX_EVENT]
        reaction = receive(delivery, event, document)
        log.info("webhook.received", delivery=delivery, event_name=event, outcome=reaction.outcome)
        told = {"delivery": delivery, "outcome": reaction.outcome.value, "scans": len(reaction.scans)}
        return Response(told, status=202)
