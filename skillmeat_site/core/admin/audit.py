"""Who did what."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.badges import TRIGGER
from skillmeat_site.core.admin.base import ReadOnlyAdmin
from skillmeat_site.core.admin.display import EMPTY, ago, pretty_json, row_link, shortened
from skillmeat_site.core.admin.filters import PickedFilter
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.text import printable


class JobOfEvent(PickedFilter):
    title = _("job")
    parameter_name = "job"
    related = Job


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("shown_at", "action", "shown_object", "shown_actor", "shown_trigger", "shown_job")
    list_display_links = ("action",)
    list_filter = (JobOfEvent,)
    list_select_related = ("actor", "job")
    search_fields = ("action", "object_label", "actor_name", "=object_id")
    search_help_text = _("Search by action, object or actor.")
    fields = (
        "shown_at", "action", "object_type", "object_id", "shown_object",
        "shown_actor", "shown_trigger", "shown_job", "shown_data",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: AuditEvent | None = None) -> tuple[str, ...]:
        return self.fields

    @admin.display(description=_("when"), ordering="id")
    def shown_at(self, event: AuditEvent) -> str:
        return ago(event.at)

    @admin.display(description=_("object"), ordering="object_label")
    def shown_object(self, event: AuditEvent) -> str:
        return shortened(event.object_label)

    @admin.display(description=_("actor"))
    def shown_actor(self, event: AuditEvent) -> str:
        return printable(event.actor_name) or EMPTY

    @admin.display(description=_("through"), ordering="trigger")
    def shown_trigger(self, event: AuditEvent) -> str:
        return str(TRIGGER.get(event.trigger, event.trigger))

    @admin.display(description=_("job"))
    def shown_job(self, event: AuditEvent) -> str:
        return row_link(event.job)

    @admin.display(description=_("data"))
    def shown_data(self, event: AuditEvent) -> str:
        return pretty_json(event.data)
