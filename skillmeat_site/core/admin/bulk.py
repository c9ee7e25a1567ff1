"""The way of a bulk action through the admin: offered, chosen, confirmed, started."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from skillmeat_site.core.admin import selections
from skillmeat_site.core.admin.actions import BulkAction, job_url
from skillmeat_site.core.admin.base import BaseAdmin, tell
from skillmeat_site.core.admin.selections import Selection
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.models import Job
from skillmeat_site.core.text import printable

NAMES_SHOWN = 20

if TYPE_CHECKING:
    _Base = BaseAdmin
else:
    _Base = object


class BulkActionsMixin(_Base):
    """Offers ``bulk_actions`` to those who may, and leads them through the confirmation."""

    bulk_actions: ClassVar[Sequence[type[BulkAction]]] = ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = dict(super().get_actions(request))
        if IS_POPUP_VAR not in request.GET:
            for action in self._offered(request):
                actions[action.name] = (partial(_choose, action), action.name, action.label)
        return actions

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("confirm/<uuid:selection_id>/", wrap(self.confirm_view), name=f"{name}_confirm"),
            path("<path:object_id>/do/<slug:action>/", wrap(self.choose_one_view), name=f"{name}_do"),
            *super().get_urls(),
        ]

    def choose_one_view(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        """The same confirmation for one row, from a button on its page."""
        found = self._action(action)
        row = self.get_object(request, object_id)
        if found is None or row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not found.is_allowed(request):
            raise PermissionDenied
        return self.to_confirmation(request, found, [row.pk], back=_change_page(row))

    def to_confirmation(self, request: HttpRequest, action: BulkAction, ids: Sequence[Any], back: str) -> HttpResponse:
        plain = [str(pk) if isinstance(pk, UUID) else pk for pk in ids]
        selection = selections.freeze(
            request.session, model=self.opts.label_lower, action=action.name, ids=plain, back=back
        )
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_confirm", args=[selection.id])
        )

    def confirm_view(self, request: HttpRequest, selection_id: UUID) -> HttpResponse:
        """GET shows what would happen, POST does it once."""
        selection = selections.find(request.session, selection_id, model=self.opts.label_lower)
        if selection is None:
            return self._lost(request, selection_id)
        if selection.landed:
            return HttpResponseRedirect(selection.landed)
        action = self._action(selection.action)
        if action is None or not action.is_allowed(request):
            raise PermissionDenied
        form = action.form(request.POST) if request.method == "POST" else action.form(initial=dict(action.initial))
        try:
            if form.is_valid():
                return self._start(request, action, selection, form.cleaned_data)
            return self._confirmation(request, action, selection, form)
        except DomainError as error:
            tell(request, error)
            return HttpResponseRedirect(selection.back)

    def _start(self, request: HttpRequest, action: BulkAction, selection: Selection, options: Any) -> HttpResponse:
        url = action.run(request, selection.id, selection.ids, options)
        landed = f"{url}?{_back_query(selection)}" if url else selection.back
        selections.land(request.session, selection, landed)
        return HttpResponseRedirect(landed)

    def _confirmation(self, request: HttpRequest, action: BulkAction, selection: Selection, form: Any) -> HttpResponse:
        shown = selection.ids[:NAMES_SHOWN]
        rows = self.get_queryset(request).in_bulk(list(shown))
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
            "more": len(selection.ids) - len(rows),
            "back": selection.back,
        }
        return TemplateResponse(request, "admin/skillmeat/confirm.html", context)

    def _lost(self, request: HttpRequest, selection_id: UUID) -> HttpResponse:
        """The session knows nothing of it: perhaps it has run already, else it must be chosen anew."""
        if Job.objects.filter(pk=selection_id).exists():
            return HttpResponseRedirect(job_url(selection_id))
        messages.error(request, _("This selection is no longer known. Nothing was done; please select again."))
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    def _offered(self, request: HttpRequest) -> list[BulkAction]:
        return [action for action in (kind() for kind in self.bulk_actions) if action.is_allowed(request)]

    def _action(self, name: str) -> BulkAction | None:
        return next((kind() for kind in self.bulk_actions if kind.name == name), None)
