"""Pages below a row's own: its files, its history, a comparison. To look at; what is done there is done by actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from skillmeat_site.core.admin.base import BaseAdmin
from skillmeat_site.core.admin.diffs import STYLES
from skillmeat_site.core.admin.display import Text
from skillmeat_site.core.admin.hints import hint
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.text import printable


def section(title: Text, *parts: Text) -> SafeString:
    """A part of a page below a heading."""
    body = format_html_join("", "{}", ((part,) for part in parts))
    return format_html('<section class="sm-part"><h2>{}</h2>{}</section>', title, body)


def refusal(error: DomainError) -> SafeString:
    """An expected failure in the place of what it kept from being shown, with what to do about it."""
    return format_html(
        '<p class="sm-note sm-note-warning">{} <code>{}</code>{}</p>',
        printable(error.detail),
        error.code,
        hint(error.code, error.detail),
    )


class PageLink(NamedTuple):
    url: str
    text: Text


class SubPagesAdmin(BaseAdmin):
    """Puts links to ``sub_pages`` beside the buttons of a row's page. Whoever may look at the row may look at them."""

    sub_pages: Sequence[tuple[str, Text]] = ()
    """Names, each of which has a method ``<name>_view(request, object_id)``, and the texts of their links."""

    class Media:
        css = STYLES

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path(f"<str:object_id>/{name}/", wrap(getattr(self, f"{name}_view")), name=self.sub_name(name))
            for name, _text in self.sub_pages
        ]
        return [*own, *super().get_urls()]

    def sub_name(self, name: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"

    def sub_url(self, row: Any, name: str) -> str:
        return reverse(f"admin:{self.sub_name(name)}", args=[row.pk])

    def page_links(self, request: HttpRequest, row: Any) -> list[PageLink]:
        return [PageLink(self.sub_url(row, name), text) for name, text in self.sub_pages]

    def page_parts(self, request: HttpRequest, row: Any) -> list[SafeString]:
        """What stands below the fields of a row's page, in its full width. May not raise DomainError."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().render_change_form(request, context, *args, **kwargs)
        row = context.get("original")
        if row is not None and isinstance(response, TemplateResponse) and response.context_data is not None:
            links = [link._asdict() for link in self.page_links(request, row)]
            response.context_data["object_tools"] = [*links, *response.context_data.get("object_tools", ())]
            response.context_data["page_parts"] = self.page_parts(request, row)
        return response

    def shown_row(self, request: HttpRequest, object_id: str) -> Any:
        """The row, for who may look at it."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        return row
