"""What the admins of all apps share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.admin.hints import hint
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.results import Trigger
from skillmeat_site.core.text import printable


def actor_of(request: HttpRequest) -> Actor:
    return Actor(Trigger.ADMIN, request.user.pk, request.user.get_username())


def tell(request: HttpRequest, error: DomainError) -> None:
    """An expected failure as a message. The one place where the admin puts a domain error into words."""
    text = format_html("{} <code>{}</code>{}", printable(error.detail), error.code, hint(error.code, error.detail))
    messages.error(request, text)


class BaseAdmin(admin.ModelAdmin):
    """Long lists without a second count, and titles that a hostile name cannot turn around."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    change_form_template = "admin/skillmeat/change_form.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def action_checkbox(self, obj: models.Model) -> SafeString:
        """Django's own box, but for the name of the row in its label."""
        label = _("Select this object for an action - %(name)s") % {"name": printable(str(obj))}
        box = forms.CheckboxInput({"class": "action-select", "aria-label": label}, lambda value: False)
        return box.render(helpers.ACTION_CHECKBOX_NAME, str(obj.pk))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("subtitle"):
            context["subtitle"] = printable(context["subtitle"])
        return super().render_change_form(request, context, *args, **kwargs)


class ReadOnlyAdmin(BaseAdmin):
    """For rows that only the system writes: nobody adds, edits or deletes them, superusers included."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
