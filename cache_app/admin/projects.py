"""Projects with what was last read of them: the pages of collections_app, and on them what only the cache knows.

That app does not know this one, so the richer page takes the place of the plain one here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from cache_app.domain.freshness import is_stale
from cache_app.domain.readings import UNMANAGED
from cache_app.jobs import refresh
from cache_app.models import ProjectState, ReadStatus
from cache_app.querysets import stale_projects
from cache_app.services.states import ttl
from collections_app.admin.deploy_badges import KIND, PROFILE, STATE
from collections_app.admin.deploy_projects import ProjectAdmin
from collections_app.models import Project
from skillmeat_site.core.admin.actions import BulkAction, JobAction, Options
from skillmeat_site.core.admin.badges import Words, word_badge
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.display import EMPTY, Tone, ago, badge, shortened
from skillmeat_site.core.admin.filters import WordFilter
from skillmeat_site.core.admin.hints import hint
from skillmeat_site.core.admin.previews import Preview, estimate
from skillmeat_site.core.text import printable

ARTIFACTS_SHOWN = 200
READ: Words = {
    ReadStatus.UNREAD: (_("not read yet"), Tone.QUIET),
    ReadStatus.OK: (_("read"), Tone.GOOD),
    ReadStatus.ERROR: (_("cannot be read"), Tone.BAD),
}
FOUND: Words = {**STATE, UNMANAGED: (_("not deployed by us"), Tone.QUIET)}

FRESHNESS: Words = {
    "stale": (_("are stale and will be read"), Tone.INFO),
    "force": (_("are fresh and will be read all the same"), Tone.INFO),
    "fresh": (_("are fresh (read only with force)"), Tone.QUIET),
}


class RefreshForm(forms.Form):
    force = forms.BooleanField(
        label=_("Force"), required=False, help_text=_("Also where the last reading still holds.")
    )


class RefreshCache(JobAction):
    """The estimate tells whose reading no longer holds."""

    name = "refresh_cache"
    label = _("Refresh cache of selected projects")
    button = _("Refresh cache")
    description = _("Reads each project from its disk, and tells what is other than the time before.")
    form = RefreshForm
    initial = {"force": True}
    job = refresh
    exact_up_to = 0

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
        return {"ids": list(ids), "force": bool(options.get("force"))}

    def estimate(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        stale = set(stale_projects(timezone.now(), ttl()).values_list("pk", flat=True))
        fresh = "force" if options and options.get("force") else "fresh"
        return estimate(
            "project",
            ids,
            lambda pk: "stale" if pk in stale else fresh,
            words=FRESHNESS,
            note=_("No disk was looked at."),
        )


class ReadingFilter(WordFilter):
    title = _("reading")
    parameter_name = "reading"
    words = {"error": READ[ReadStatus.ERROR], "stale": (_("no longer holds"), Tone.WARNING)}

    def narrow(self, queryset: QuerySet[Project], value: str) -> QuerySet[Project]:
        if value == "error":
            return queryset.filter(cached__status=ReadStatus.ERROR)
        return queryset & stale_projects(timezone.now(), ttl()).exclude(cached__status=ReadStatus.ERROR)


class CachedProjectAdmin(BulkActionsAdmin, ProjectAdmin):
    bulk_actions = (RefreshCache,)
    list_filter = (ReadingFilter,)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.list_display, "shown_read")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return super().get_queryset(request).select_related("cached")

    def get_fields(self, request: HttpRequest, obj: Project | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return (*fields, "shown_read", "shown_problem", "shown_artifacts") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> tuple[str, ...]:
        own = ("shown_read", "shown_problem", "shown_artifacts")
        return (*super().get_readonly_fields(request, obj), *own)

    def page_actions(self, row: Any) -> Sequence[type[BulkAction]]:
        return self.bulk_actions

    @admin.display(description=_("last read"), ordering="cached__fetched_at")
    def shown_read(self, project: Project) -> str:
        state = _state(project)
        if state is None:
            return word_badge(READ, ReadStatus.UNREAD)
        shown = word_badge(READ, state.status)
        if state.fetched_at is None:
            return shown
        old = is_stale(state.fetched_at, timezone.now(), ttl())
        stale = badge(_("stale"), Tone.WARNING) if old else ""
        return format_html("{} {} {}", shown, ago(state.fetched_at), stale)

    @admin.display(description=_("why it cannot be read"))
    def shown_problem(self, project: Project) -> str:
        state = _state(project)
        if state is None or not state.error_code:
            return EMPTY
        code, detail = state.error_code, state.error_detail
        return format_html("{} <code>{}</code>{}", printable(detail), code, hint(code, detail))

    @admin.display(description=_("artifacts when last read"))
    def shown_artifacts(self, project: Project) -> str:
        state = _state(project)
        if state is None or state.fetched_at is None:
            return _t("Not read yet: refresh the cache.")
        if not state.artifacts:
            return _t("Nothing lies in the project's client folders.")
        lines = format_html_join(
            "", "<li>{} {} {} <code>{}</code></li>", (_line(row) for row in state.artifacts[:ARTIFACTS_SHOWN])
        )
        more = len(state.artifacts) - ARTIFACTS_SHOWN
        rest = format_html("<li>{}</li>", _t("and %(n)d more") % {"n": more}) if more > 0 else ""
        return format_html('<ul class="sm-list">{}{}</ul>', lines, rest)


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        word_badge(FOUND, row["state"]),
        word_badge(KIND, row["type"]),
        shortened(row["name"]),
        printable(f"{PROFILE[row['profile']][0]}: {row['target']}" if row["profile"] in PROFILE else row["target"]),
    )


def _state(project: Project) -> ProjectState | None:
    return getattr(project, "cached", None)


admin.site.unregister(Project)
admin.site.register(Project, CachedProjectAdmin)
