"""Webhook deliveries: what came in, and what it brought about."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from marketplace.models import WebhookDelivery
from marketplace.models.delivery import STORED
from skillmeat_site.core.admin.base import ReadOnlyAdmin
from skillmeat_site.core.admin.display import Tone, ago, shortened
from skillmeat_site.core.admin.filters import WordFilter


class OutcomeFilter(WordFilter):
    title = _("outcome")
    parameter_name = facet = "outcome"
    words = {outcome: (outcome, Tone.QUIET) for outcome in STORED}


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("shown_when", "shown_event", "outcome", "shown_id")
    list_filter = (OutcomeFilter,)
    search_fields = ("delivery_id", "event")
    search_help_text = _("Search by delivery id or event.")
    fields = readonly_fields = ("shown_when", "shown_event", "outcome", "shown_id")

    @admin.display(description=_("when"), ordering="received_at")
    def shown_when(self, delivery: WebhookDelivery) -> str:
        return ago(delivery.received_at)

    @admin.display(description=_("event"))
    def shown_event(self, delivery: WebhookDelivery) -> str:
        return shortened(delivery.event)

    @admin.display(description=_("delivery"))
    def shown_id(self, delivery: WebhookDelivery) -> str:
        return shortened(delivery.delivery_id)
