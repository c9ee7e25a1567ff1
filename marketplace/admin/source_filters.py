"""Filters of the source list."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.admin.badges import HEALTH
from marketplace.models import Source
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.filters import WordFilter
from skillmeat_site.core.text import printable


class HealthFilter(WordFilter):
    title = _("health")
    parameter_name = "health"
    words = HEALTH


class EnabledFilter(WordFilter):
    title = _("enabled")
    parameter_name = "enabled"
    words = {"yes": (_("Yes"), Tone.GOOD), "no": (_("No"), Tone.QUIET)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> QuerySet[Source]:
        value = self.value()
        return queryset if value is None else queryset.filter(enabled=value == "yes")


class ProviderFilter(WordFilter):
    title = _("provider")
    parameter_name = "provider"
    words = {"auto": (_("auto"), Tone.QUIET), "git": (_("git"), Tone.QUIET), "github": (_("GitHub"), Tone.QUIET)}


class TroubleFilter(WordFilter):
    """Failing or unreachable, without those that only wait for a decision."""

    title = _("trouble")
    parameter_name = "trouble"
    words = {"yes": (_("cannot be read"), Tone.BAD)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> QuerySet[Source]:
        return queryset & Source.objects.in_trouble() if self.value() == "yes" else queryset


class WaitingFilter(WordFilter):
    title = _("back-off")
    parameter_name = "waiting"
    words = {"yes": (_("wait after failures"), Tone.WARNING)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> QuerySet[Source]:
        return queryset & Source.objects.backing_off() if self.value() == "yes" else queryset


class ErrorFilter(WordFilter):
    """One code, named by a link; else there is nothing to choose."""

    title = _("last error")
    parameter_name = "error"
    field = "last_error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        value = self.value()
        return [] if value is None else [(value, printable(value))]
