"""Filters of the job list."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.badges import JOB_STATUS, TRIGGER
from skillmeat_site.core.admin.display import Text
from skillmeat_site.core.admin.filters import DefaultedFilter, PickedFilter, WordFilter
from skillmeat_site.core.jobs import registry
from skillmeat_site.core.models import Job


class PartsFilter(DefaultedFilter):
    """A bulk job has a child per object: shown on its own page, in the way here."""

    title = _("show")
    parameter_name = "show"
    options = {"asked": _("without parts of bulk jobs"), "all": _("parts of bulk jobs too")}
    yields_to = ("parent",)

    def narrow(self, queryset: QuerySet[Job], chosen: str) -> QuerySet[Job]:
        return queryset.filter(parent_item__isnull=True) if chosen == "asked" else queryset


class StatusFilter(WordFilter):
    title = _("status")
    parameter_name = facet = "status"
    words = JOB_STATUS


class TriggerFilter(WordFilter):
    title = _("asked through")
    parameter_name = "trigger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return list(TRIGGER.items())


class KindFilter(WordFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return [(definition.kind, definition.kind) for definition in registry.definitions()]


class ParentFilter(PickedFilter):
    title = _("started by job")
    parameter_name = "parent"
    related = Job
