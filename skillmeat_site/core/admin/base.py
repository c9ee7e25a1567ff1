"""What the admins of all apps share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.admin.changelist import BoundedChangeList, View
from skillmeat_site.core.admin.display import Text, change_url
from skillmeat_site.core.admin.exports import Kind, export
from skillmeat_site.core.admin.hints import hint
from skillmeat_site.core.admin.history import History, history_parts, history_url
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.results import Trigger
from skillmeat_site.core.text import printable

SUB_PAGE = "admin/skillmeat/sub_page.html"


def actor_of(request: HttpRequest) -> Actor:
    return Actor(Trigger.ADMIN, request.user.pk, request.user.get_username())


def tell(request: HttpRequest, error: DomainError) -> None:
    """An expected failure as a message."""
    messages.error(request, in_words(error))


def in_words(error: DomainError) -> SafeString:
    """What went wrong, its code, and what to do now."""
    return format_html("{} <code>{}</code>{}", printable(error.detail), error.code, hint(error.code, error.detail))


def page_before(request: HttpRequest) -> str:
    """The page of this site that a form was sent from, with its query; "" where the browser does not tell."""
    before = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure())
    return before if safe else ""


class BaseAdmin(admin.ModelAdmin):
    """Long lists at the price of short ones, and titles that a hostile name cannot turn around.

    ``views``: saved queries, shown as tabs above the list. ``empty_text``: what to do where the list has no row yet.
    ``history``: of what its objects' page "History" tells.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    change_form_template: ClassVar[str | None] = "admin/skillmeat/change_form.html"
    change_list_template = "admin/skillmeat/change_list.html"
    actions: Any = ("export_csv", "export_json")
    views: ClassVar[Sequence[View]] = ()
    history: ClassVar[History] = History.NONE
    empty_text: ClassVar[Text] = ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        """Called with the rows of a page, or of a part of an export, before they are shown: to look things up for
        all of them at once."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if ERROR_FLAG in request.GET:
            messages.warning(request, _("The address asked for a filter that there is not: the whole list is shown."))
        title = capfirst(self.opts.verbose_name_plural)
        context = {"title": title, "empty_text": self.empty_text, **(extra_context or {})}
        try:
            return super().changelist_view(request, context)
        except DisallowedModelAdminLookup:
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")

    def get_action_choices(self, request: HttpRequest, *args: Any, **kwargs: Any) -> list[Any]:
        """What is done to rows comes before what is only taken along."""
        choices = super().get_action_choices(request, *args, **kwargs)
        return sorted(choices, key=lambda choice: choice[0].startswith("export_"))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the filters that the list offers: Django would let an address compare any column by anything."""
        return lookup in {name for kind in self.list_filter for name in _params_of(kind)}

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/<slug:kind>/", view, name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """Every row that the list's filters, search and order in the address ask for, as a file."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if kind not in {known.value for known in Kind}:
            raise Http404
        try:
            changelist = self.get_changelist_instance(request)
        except (IncorrectLookupParameters, DisallowedModelAdminLookup):
            return HttpResponseRedirect(f"../../?{ERROR_FLAG}=1")
        return export(self, request, changelist.queryset, Kind(kind))

    @admin.action(permissions=["view"], description=_lazy("Export selected as CSV"))
    def export_csv(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponseBase:
        return export(self, request, queryset, Kind.CSV)

    @admin.action(permissions=["view"], description=_lazy("Export selected as JSON"))
    def export_json(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponseBase:
        return export(self, request, queryset, Kind.JSON)

    def action_checkbox(self, obj: models.Model) -> SafeString:
        """Django's own box, but for the name of the row in its label."""
        label = _("Select this object for an action - %(name)s") % {"name": printable(str(obj))}
        box = '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">'
        return format_html(box, helpers.ACTION_CHECKBOX_NAME, obj.pk, label)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("subtitle"):
            context["subtitle"] = printable(context["subtitle"])
        row = context.get("original")
        if row is not None and self.has_history(request):
            context["history_url"] = history_url(row)
        return super().render_change_form(request, context, *args, **kwargs)

    def has_history(self, request: HttpRequest) -> bool:
        """Whether a row's page leads to a history, for this user."""
        return self.history is not History.NONE

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What was done to the object, for who may look at it. Django's own log knows forms only."""
        if self.history is History.FORMS:
            return super().history_view(request, object_id, extra_context)
        row = self.get_object(request, unquote(object_id))
        if row is None or self.history is History.NONE:
            raise Http404
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        return self.sub_page(request, row, _("History"), parts=history_parts(request, row))

    def sub_page(self, request: HttpRequest, row: Any, title: Text, **context: Any) -> HttpResponse:
        """Answer with a page below the row's own; ``context["parts"]`` are what it shows, one after the other."""
        own = {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": printable(str(row)),
            "opts": self.opts,
            "media": self.media,
            "original": row,
            "row_url": change_url(row),
            **context,
        }
        return TemplateResponse(request, SUB_PAGE, own)


def _params_of(kind: Any) -> Iterator[str]:
    """What a filter's links put into an address; a name stands for Django's filter of that column."""
    if isinstance(kind, str):
        yield from (f"{kind}__{lookup}" for lookup in ("exact", "id__exact", "isnull"))
    else:
        yield kind.parameter_name


class ReadOnlyAdmin(BaseAdmin):
    """For rows that only the system writes: nobody adds, edits or deletes them, superusers included."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
