"""The admin site: navigation by what people do, and the overview in place of a list of tables.

Outside the ``admin`` package, which registers its pages at the site while it is imported.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core import overview
from skillmeat_site.core.navigation import OTHER, sections
from skillmeat_site.core.text import printable


class PrintableAutocomplete(AutocompleteJsonView):
    """What fields that find by typing offer; a row's hostile name cannot turn the list around."""

    def get_queryset(self) -> models.QuerySet[Any]:
        found: models.QuerySet[Any] = super().get_queryset()
        return found if found.ordered else found.order_by(*(self.model_admin.get_ordering(self.request) or ("pk",)))

    def serialize_result(self, obj: models.Model, to_field_name: str) -> dict[str, str]:
        result: dict[str, str] = super().serialize_result(obj, to_field_name)
        return {**result, "text": printable(result["text"])}


class Site(AdminSite):
    site_header = site_title = _("SkillMeat")
    index_title = _("Overview")
    enable_nav_sidebar = False  # the frame has a navigation of its own, which needs no script
    site_url = None

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return PrintableAutocomplete.as_view(admin_site=self)(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The sections of the navigation, in the shape of Django's apps; for one ``app_label`` Django's own list."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        models = {one["model"]: one for app in self._build_app_dict(request).values() for one in app["models"]}
        for model in models.values():
            model["current"] = bool(model["admin_url"]) and request.path.startswith(model["admin_url"])
        groups = [
            self._group(one.slug, one.title, one.icon, [models.pop(model) for model in one.models if model in models])
            for one in sections()
        ]
        rest = sorted(models.values(), key=lambda one: str(one["name"]))
        return [group for group in (*groups, self._group(OTHER, _("Other"), OTHER, rest)) if group["models"]]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The overview, as of now."""
        context = {
            **self.each_context(request),
            "title": self.index_title,
            "subtitle": None,
            "overview": overview.read(request),
            **(extra_context or {}),
        }
        request.current_app = self.name
        return TemplateResponse(request, "admin/index.html", context)

    def get_urls(self) -> list[Any]:
        panel = path("overview/<slug:slug>/", self.admin_view(self.panel_view), name="overview_panel")
        return [panel, *super().get_urls()]

    def panel_view(self, request: HttpRequest, slug: str) -> HttpResponse:
        """One panel anew, for the script that follows what runs: HTML, and whether it is worth asking again."""
        found = overview.read(request, only=slug)
        if not found.panels:
            raise Http404
        context = {**self.each_context(request), "shown": found.panels[0]}
        html = render_to_string("admin/skillmeat/panel_body.html", context, request)
        return JsonResponse({"html": html, "active": found.is_active})

    def _group(self, slug: str, title: Any, icon: str, models: list[Any]) -> dict[str, Any]:
        index = reverse("admin:index", current_app=self.name)
        return {
            "name": title, "app_label": slug, "app_url": f"{index}#{slug}", "has_module_perms": True, "models": models,
            "icon": icon,
        }  # fmt: skip
