"""What hosts allow us still."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from skillmeat_site.core.api.filters import refuse_unknown
from skillmeat_site.core.api.permissions import IsAuthenticatedInScope
from skillmeat_site.core.models import UpstreamBudget
from skillmeat_site.core.upstream_tokens import Refusal, refusals
from skillmeat_site.core.upstreams import github_host
from skillmeat_site.upstream.budget import Resource


class BudgetSerializer(serializers.ModelSerializer):
    """One resource of one token at one host. The token is told by its name and a part of its hash."""

    token = serializers.CharField(source="token_name", help_text="Its name: a setting's, or `anonymous`.")
    token_id = serializers.CharField(help_text="Twelve digits of its hash; empty for `anonymous`.")
    reserve = serializers.IntegerField(allow_null=True, help_text="Kept for what people wait for; sweeps stop there.")
    rejected = serializers.SerializerMethodField(help_text="The host refused the token: it is not used.")

    class Meta:
        model = UpstreamBudget
        fields = (
            "host", "token", "token_id", "resource", "limit", "remaining", "reset_at", "reserve",
            "cooldown_until", "offline_until", "rejected", "updated_at",
        )  # fmt: skip

    def get_rejected(self, budget: UpstreamBudget) -> bool:
        return (budget.token_id or budget.token_name) in self.context["refused"]


class BudgetsSerializer(serializers.Serializer):
    results = BudgetSerializer(many=True)


class RateLimitView(APIView):
    """By the last answers; asks no host."""

    permission_classes = [IsAuthenticatedInScope]

    @extend_schema(operation_id="rate_limit", responses=BudgetsSerializer)
    def get(self, request: Request) -> Response:
        """Limit, remaining, reset and reserve per host, token and resource."""
        refuse_unknown(request.query_params, set(), "query parameter")
        rows = list(UpstreamBudget.objects.for_user(request.user))
        refused = {one.token_id or one.name: one for one in refusals()}
        known = {row.token_id for row in rows}
        rows += [_of_refusal(one) for key, one in refused.items() if key not in known]
        told = {"refused": frozenset(refused)}
        return Response({"results": BudgetSerializer(rows, many=True, context=told).data})


def _of_refusal(refusal: Refusal) -> UpstreamBudget:
    """For a token that was refused before its host told of a limit."""
    host = refusal.host or github_host()
    return UpstreamBudget(
        host=host,
        token_name=refusal.name,
        token_id=refusal.token_id,
        resource=Resource.CORE if host == github_host() else Resource.GIT,
        updated_at=refusal.since,
    )
