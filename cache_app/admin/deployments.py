"""Deployments by their state: of few the disks are looked at, of many what was last read of them.

That app does not know this one, so the richer page takes the place of the plain one here.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from cache_app.models import ProjectState
from collections_app.admin.deploy_deployments import DeploymentAdmin, StateFilter, is_asked
from collections_app.models import Deployment
from skillmeat_site.core.admin.telling import tell_once

LOOKED_AT = 200
"""Deployments whose disks are looked at for one page."""


class CachedStateFilter(StateFilter):
    """Which of the two it was is said on the page; the states that the rows show are read then and there."""

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self._request = request

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if queryset.order_by()[: LOOKED_AT + 1].count() <= LOOKED_AT:
            return super().narrow(queryset, value)
        tell_once(self._request, _("These are many: found by their state when the projects were last read."))
        return queryset.filter(pk__among=[pk.hex for pk in _as_last_read(queryset, value)])


def _as_last_read(queryset: QuerySet[Any], value: str) -> list[Any]:
    readings = ProjectState.objects.values_list("project_id", "artifacts").iterator(chunk_size=100)
    found = {
        (project, row["profile"], row["type"], row["name"])
        for project, rows in readings
        for row in rows
        if is_asked(row["state"], value) and row["content_oid"]
    }
    if not found:
        return []
    keys = queryset.order_by().values_list("project_id", "profile", "type", "name", "pk")
    return [pk for *key, pk in keys if tuple(key) in found]


class CachedDeploymentAdmin(DeploymentAdmin):
    list_filter: ClassVar[Any] = tuple(
        CachedStateFilter if kind is StateFilter else kind for kind in DeploymentAdmin.list_filter
    )


admin.site.unregister(Deployment)
admin.site.register(Deployment, CachedDeploymentAdmin)
