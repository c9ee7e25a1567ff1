"""What hosts allow us still. To look at: rows follow from answers."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.base import ReadOnlyAdmin
from skillmeat_site.core.admin.display import EMPTY, Tone, ago, badge
from skillmeat_site.core.admin.filters import WordFilter
from skillmeat_site.core.ledger import State
from skillmeat_site.core.models import UpstreamBudget
from skillmeat_site.upstream.budget import Resource


class ResourceFilter(WordFilter):
    title = _("resource")
    parameter_name = facet = "resource"
    words = {one.value: (one.value, Tone.QUIET) for one in Resource}


_STATES = {
    State.OPEN: _("open"),
    State.RESERVE_ONLY: _("reserve only"),
    State.WAITING: _("waiting"),
    State.OFFLINE: _("offline"),
}


@admin.register(UpstreamBudget)
class UpstreamBudgetAdmin(ReadOnlyAdmin):
    list_display = (
        "host",
        "token_name",
        "resource",
        "shown_state",
        "shown_left",
        "reserve",
        "shown_reset",
        "shown_at",
    )
    list_filter = (ResourceFilter,)
    search_fields = ("host", "token_name")
    search_help_text = _("Search by host or token name.")
    fields = (
        "host", "token_name", "token_id", "resource", "shown_state", "shown_left", "reserve",
        "shown_reset", "shown_cooldown", "shown_offline", "strikes", "shown_at",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: UpstreamBudget | None = None) -> tuple[str, ...]:
        return self.fields

    @admin.display(description=_("state"))
    def shown_state(self, budget: UpstreamBudget) -> str:
        state = budget.standing.state(timezone.now())
        return badge(_STATES[state], Tone.GOOD if state is State.OPEN else Tone.WARNING)

    @admin.display(description=_("left"), ordering="remaining")
    def shown_left(self, budget: UpstreamBudget) -> str:
        left = budget.standing.left(timezone.now())
        return EMPTY if left is None else f"{left} / {budget.limit}"

    @admin.display(description=_("reset"), ordering="reset_at")
    def shown_reset(self, budget: UpstreamBudget) -> str:
        return ago(budget.reset_at)

    @admin.display(description=_("waits until"))
    def shown_cooldown(self, budget: UpstreamBudget) -> str:
        return ago(budget.cooldown_until)

    @admin.display(description=_("not reachable, tried again"))
    def shown_offline(self, budget: UpstreamBudget) -> str:
        return ago(budget.offline_until)

    @admin.display(description=_("last answer"), ordering="updated_at")
    def shown_at(self, budget: UpstreamBudget) -> str:
        return ago(budget.updated_at)
