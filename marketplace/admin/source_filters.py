"""Filters of the source list."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.admin.badges import HEALTH
from marketplace.models import Source, SourceTag
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.filters import WordFilter
from skillmeat_site.core.errors import hint_of
from skillmeat_site.core.text import printable


class HealthFilter(WordFilter):
    title = _("health")
    parameter_name = facet = "health"
    words = HEALTH


class EnabledFilter(WordFilter):
    title = _("enabled")
    parameter_name = facet = "enabled"
    words = {"yes": (_("Yes"), Tone.GOOD), "no": (_("No"), Tone.QUIET)}

    def narrow(self, queryset: QuerySet[Source], value: str) -> QuerySet[Source]:
        return queryset.filter(enabled=value == "yes")

    def option_of(self, value: bool) -> str:
        return "yes" if value else "no"


class ProviderFilter(WordFilter):
    title = _("provider")
    parameter_name = facet = "provider"
    words = {"auto": (_("auto"), Tone.QUIET), "git": (_("git"), Tone.QUIET), "github": (_("GitHub"), Tone.QUIET)}


class TroubleFilter(WordFilter):
    """Failing or unreachable, without those that only wait for a decision."""

    title = _("trouble")
    parameter_name = "trouble"
    words = {"yes": (_("cannot be read"), Tone.BAD)}

    def narrow(self, queryset: QuerySet[Source], value: str) -> QuerySet[Source]:
        return queryset & Source.objects.in_trouble()


class WaitingFilter(WordFilter):
    title = _("back-off")
    parameter_name = "waiting"
    words = {"yes": (_("wait after failures"), Tone.WARNING)}

    def narrow(self, queryset: QuerySet[Source], value: str) -> QuerySet[Source]:
        return queryset & Source.objects.backing_off()


class ErrorFilter(WordFilter):
    """One code, named by a link; else there is nothing to choose."""

    title = _("last error")
    parameter_name = "error"
    field = "last_error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        value = self.value()
        return [(value, printable(value))] if value and hint_of(value) else []


class TagsFilter(WordFilter):
    """Sources of which a suggested tag waits for a decision."""

    title = _("tags")
    parameter_name = "tags"
    words = {"waiting": (_("to decide on"), Tone.INFO)}

    def narrow(self, queryset: QuerySet[Source], value: str) -> QuerySet[Source]:
        return queryset.filter(Exists(SourceTag.objects.waiting().filter(source=OuterRef("pk"))))
