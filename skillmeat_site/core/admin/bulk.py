"""The way of a bulk action through the admin: offered, chosen, confirmed, started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _

from skillmeat_site.core.admin import selections
from skillmeat_site.core.admin.actions import BulkAction, job_url
from skillmeat_site.core.admin.base import BaseAdmin, tell
from skillmeat_site.core.admin.display import change_url
from skillmeat_site.core.admin.selections import Selection
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.models import Job
from skillmeat_site.core.text import printable

NAMES_SHOWN = 20


class BulkActionsAdmin(BaseAdmin):
    """Offers ``bulk_actions`` to those who may, and leads them through the confirmation."""

    bulk_actions: ClassVar[Sequence[type[BulkAction]]] = ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = dict(super().get_actions(request))
        if IS_POPUP_VAR not in request.GET:
            for action in self.allowed_actions(request):
                actions[action.name] = (partial(_choose, action), action.name, action.label)
        return actions

    def allowed_actions(self, request: HttpRequest) -> list[BulkAction]:
        return [action for action in (kind() for kind in self.bulk_actions) if action.is_allowed(request)]

    def page_actions(self, row: Any) -> Sequence[type[BulkAction]]:
        """Which of ``bulk_actions`` have a button on this row's page."""
        return ()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:
            context["object_tools"] = [
                {"url": reverse(f"admin:{self._url_name('do')}", args=[row.pk, action.name]), "text": action.button}
                for action in (kind() for kind in self.page_actions(row))
                if action.is_allowed(request)
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("confirm/<uuid:selection_id>/", wrap(self.confirm_view), name=self._url_name("confirm")),
            path("<str:object_id>/do/<slug:name>/", wrap(self.choose_one_view), name=self._url_name("do")),
        ]
        return [*own, *super().get_urls()]

    def choose_one_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """From a button on one row's page to the same confirmation. Nothing is done yet, so a GET may come here."""
        action, row = self._action(name), self.get_object(request, object_id)
        if action is None or row is None:
            raise Http404
        if not action.is_allowed(request):
            raise PermissionDenied
        return self.to_confirmation(request, action, [row.pk], back=change_url(row))

    def to_confirmation(self, request: HttpRequest, action: BulkAction, ids: Sequence[Any], back: str) -> HttpResponse:
        """Freeze what was chosen, and ask."""
        plain = [str(pk) if isinstance(pk, UUID) else pk for pk in ids]
        model = self.opts.label_lower
        selection = selections.freeze(request.session, model=model, action=action.name, ids=plain, back=back)
        return HttpResponseRedirect(reverse(f"admin:{self._url_name('confirm')}", args=[selection.id]))

    def confirm_view(self, request: HttpRequest, selection_id: UUID) -> HttpResponse:
        """GET shows what would happen, POST does it, once."""
        selection = selections.find(request.session, selection_id, model=self.opts.label_lower)
        if selection is None:
            return self._unknown(request, selection_id)
        if selection.landed:
            return HttpResponseRedirect(selection.landed)
        action = self._action(selection.action)
        if action is None or not action.is_allowed(request):
            raise PermissionDenied
        form = action.form(request.POST) if request.method == "POST" else action.form(initial=dict(action.initial))
        try:
            if not form.is_valid():
                return self._confirmation(request, action, selection, form)
            landed = action.run(request, selection, form.cleaned_data)
        except DomainError as error:
            tell(request, error)
            return HttpResponseRedirect(selection.back)
        selections.land(request.session, selection, landed)
        return HttpResponseRedirect(landed)

    def _confirmation(
        self, request: HttpRequest, action: BulkAction, selection: Selection, form: forms.Form
    ) -> HttpResponse:
        shown = selection.ids[:NAMES_SHOWN]
        rows: Mapping[Any, models.Model] = self.get_queryset(request).in_bulk(list(shown))
        context = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "opts": self.opts,
            "media": self.media + form.media,
            "action": action,
            "form": form,
            "counts": action.preview(request, selection.ids),
            "total": len(selection.ids),
            "names": [printable(str(row)) for row in rows.values()],
            "more": len(selection.ids) - len(shown),
            "back": selection.back,
        }
        return TemplateResponse(request, "admin/skillmeat/confirm.html", context)

    def _unknown(self, request: HttpRequest, selection_id: UUID) -> HttpResponse:
        """The session has no such selection: perhaps it has run already, else it must be chosen anew."""
        if Job.objects.filter(pk=selection_id).exists():
            return HttpResponseRedirect(job_url(selection_id))
        messages.error(request, _("This selection is no longer known. Nothing was done: please select again."))
        return HttpResponseRedirect(reverse(f"admin:{self._url_name('changelist')}"))

    def _action(self, name: str) -> BulkAction | None:
        return next((kind() for kind in self.bulk_actions if kind.name == name), None)

    def _url_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"


def _choose(
    action: BulkAction, model_admin: BulkActionsAdmin, request: HttpRequest, queryset: models.QuerySet[Any]
) -> HttpResponse | None:
    """What the action menu calls: only the ids are taken, in the order of the list."""
    ids = list(queryset.values_list("pk", flat=True))
    if not ids:
        messages.warning(request, _("None of the selected rows exists any more."))
        return None
    return model_admin.to_confirmation(request, action, ids, back=request.get_full_path())
