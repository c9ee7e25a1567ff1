"""Filters of the source list."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.admin.badges import HEALTH
from marketplace.models import Source
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.filters import WordFilter


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
