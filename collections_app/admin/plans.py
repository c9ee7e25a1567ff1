"""Refresh plans: what a refresh would change, artifact by artifact, to be applied exactly so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from collections_app.admin.conflicts import show_conflicts
from collections_app.admin.filters import CollectionFilter
from collections_app.domain.refresh_plan import CONTENT
from collections_app.models import PlanState, RefreshPlan
from collections_app.refresh_jobs import apply
from collections_app.services.file_views import ComparedFiles
from collections_app.services.plan_diff import plan_diff
from skillmeat_site.core.admin.actions import BulkAction, JobAction, Options
from skillmeat_site.core.admin.badges import Words, word_badge
from skillmeat_site.core.admin.base import ReadOnlyAdmin, tell
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.diff_page import show_difference
from skillmeat_site.core.admin.diffs import STYLES, view_of
from skillmeat_site.core.admin.display import EMPTY, Tone, ago, change_url, row_link, shortened
from skillmeat_site.core.admin.hints import hint
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.admin.previews import ListedPreview, Planned
from skillmeat_site.core.errors import DomainError, InvalidParameter, NotFound
from skillmeat_site.core.reporting import PageReport
from skillmeat_site.core.text import printable
from skillmeat_site.upstream.refs import is_oid

show_objects("refreshplan", RefreshPlan, related=("collection",))

MAX_ROWS = 200
"""Artifacts of one plan that are on its page; the API has all."""
MAX_VALUE = 300
SHORT_ID = 12

PLANNED_STATUS: Words = {
    "refreshed": (_("will be refreshed"), Tone.GOOD),
    "unchanged": (_("are so already"), Tone.QUIET),
    "skipped": (_("will be skipped"), Tone.QUIET),
    "error": (_("cannot be done"), Tone.BAD),
}


class ApplyPlan(JobAction):
    """One plan at a time: the first one applied makes every other of its collection stale."""

    name = "apply"
    label = _("Apply the selected plan")
    button = _("Apply")
    description = _(
        "Does exactly what the plan says, after a snapshot; refused where the collection has changed since."
    )
    job = apply

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
        row = RefreshPlan.objects.select_related("collection").filter(pk__in=ids[:1]).first()
        if len(ids) != 1 or row is None:
            raise InvalidParameter("Choose one plan: applying it makes the others stale.")
        return {"slug": row.collection.slug, "plan_id": str(row.pk)}

    def planned(self, request: HttpRequest, ids: Sequence[Any], options: Options) -> ListedPreview:
        """What the plan says, artifact by artifact; it is refused where that no longer holds."""
        plan = RefreshPlan.objects.get(pk=self.params(ids, options)["plan_id"])
        return ListedPreview(
            (
                Planned(
                    "artifact", str(one.get("artifact_id") or ""), f"{one.get('type')}:{one.get('name')}",
                    str(one.get("status")), str(one.get("code") or ""), str(one.get("reason") or ""),
                )
                for one in plan.details
            ),
            words=PLANNED_STATUS,
        )  # fmt: skip


@admin.register(RefreshPlan)
class RefreshPlanAdmin(BulkActionsAdmin, ReadOnlyAdmin):
    bulk_actions = (ApplyPlan,)
    list_display = ("shown_made", "shown_collection", "mode", "shown_state", "shown_changes")
    list_filter = (CollectionFilter,)
    sortable_by = ()
    fields = ("shown_made", "shown_collection", "mode", "shown_state", "shown_changes", "shown_rows")

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefreshPlan]:
        return RefreshPlan.objects.select_related("collection")

    def get_readonly_fields(self, request: HttpRequest, obj: RefreshPlan | None = None) -> tuple[str, ...]:
        return self.fields

    def page_actions(self, row: RefreshPlan) -> Sequence[type[BulkAction]]:
        return self.bulk_actions if _is_ready(row) else ()

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.files_view)
        own = path("<uuid:plan_id>/files/<uuid:artifact_id>/", view, name=self._url_name("files"))
        return [own, *super().get_urls()]

    def files_view(self, request: HttpRequest, plan_id: UUID, artifact_id: UUID) -> HttpResponse:
        """What applying would do to the files of one artifact: read at the commit of the plan when it is looked at."""
        plan = self.get_object(request, str(plan_id))
        if plan is None:
            raise Http404
        if not self.has_view_permission(request, plan):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "back": change_url(plan),
        }
        try:
            found = plan_diff(plan.collection.slug, str(plan.pk), str(artifact_id), report=PageReport())
            nothing = _("Applying the plan leaves its files as they are.")
            files = show_difference(request, ComparedFiles(found.files.diff), nothing)
        except NotFound as error:
            raise Http404 from error
        except DomainError as error:
            tell(request, error)
            return HttpResponseRedirect(context["back"])
        conflicts = show_conflicts(found.conflicts, view_of(request)) if found.conflicts else ""
        shown = {"title": printable(found.label), "files": files, "conflicts": conflicts}
        return TemplateResponse(request, "admin/skillmeat/plan_files.html", {**context, **shown})

    @admin.display(description=_("made"))
    def shown_made(self, row: RefreshPlan) -> str:
        return ago(row.created_at)

    @admin.display(description=_("collection"))
    def shown_collection(self, row: RefreshPlan) -> str:
        return row_link(row.collection)

    @admin.display(description=_("state"))
    def shown_state(self, row: RefreshPlan) -> Any:
        if row.state == PlanState.APPLIED:
            return _("applied")
        return _("ready") if _is_ready(row) else _("stale: the collection has changed since")

    @admin.display(description=_("would change"))
    def shown_changes(self, row: RefreshPlan) -> int:
        return sum(bool(one.get("changes")) for one in row.details)

    @admin.display(description=_("artifacts"))
    def shown_rows(self, row: RefreshPlan) -> str:
        telling = [one for one in row.details if one.get("changes") or one.get("code")]
        if not telling:
            return format_html("<p>{}</p>", _("Nothing would change."))
        rows = format_html_join(
            "", "{}", ((_artifact(one, self._files_link(row, one)),) for one in telling[:MAX_ROWS])
        )
        more = len(telling) - MAX_ROWS
        return format_html("{}{}", rows, format_html("<p>{} {}</p>", more, _("more")) if more > 0 else "")

    def _files_link(self, row: RefreshPlan, one: Mapping[str, Any]) -> str:
        """To the files of an artifact that would take some, or is in conflict, while the plan can be applied."""
        touched = CONTENT in (one.get("changes") or ()) or one.get("conflicts")
        if not touched or not one.get("artifact_id") or not _is_ready(row):
            return ""
        url = reverse(f"admin:{self._url_name('files')}", args=[row.pk, one["artifact_id"]])
        return format_html('<p><a href="{}">{}</a></p>', url, _("Show files"))


def _is_ready(row: RefreshPlan) -> bool:
    return row.state == PlanState.READY and row.base_revision == row.collection.revision


def _artifact(one: Mapping[str, Any], files: str) -> str:
    """One artifact: what it is, how it would end, and each field with its old and new value."""
    old, new = one.get("old_values") or {}, one.get("new_values") or {}
    applied, kept = one.get("applied") or (), one.get("kept") or ()
    fields = format_html_join(
        "",
        "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
        (
            (name, _value(old.get(name)), _value(new.get(name)), _fate(name, applied, kept))
            for name in one.get("changes") or ()
        ),
    )
    head = format_html("<tr><th></th><th>{}</th><th>{}</th><th></th></tr>", _("now"), _("then"))
    table = format_html('<table class="sm-plan">{}{}</table>', head, fields) if fields else ""
    label = f"{one.get('type')}:{one.get('name')}"
    return format_html(
        "<details open><summary>{} {}</summary>{}{}{}</details>",
        shortened(printable(label)),
        word_badge(PLANNED_STATUS, str(one.get("status"))),
        _why(str(one.get("code") or ""), str(one.get("reason") or "")),
        table,
        files,
    )


def _why(code: str, reason: str) -> str:
    """Why it is not changed, or not in every way, and what to do about that."""
    if not code and not reason:
        return ""
    shown = format_html("<code>{}</code>", code) if code else ""
    return format_html("<p>{} {} {}</p>", printable(reason), shown, hint(code, reason))


def _fate(name: str, applied: Sequence[str], kept: Sequence[str]) -> Any:
    if name in kept:
        return _("kept: it is yours")
    return _("taken") if name in applied else ""


def _value(value: Any) -> str:
    if value in (None, "", []):
        return EMPTY
    text = ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
    # A content id is told as git tells them in short: the table has to fit beside the other columns.
    return printable(text[:SHORT_ID] if is_oid(text) else text[:MAX_VALUE])
