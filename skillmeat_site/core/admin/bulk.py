"""The way of a bulk action through the admin: offered, chosen, confirmed, started."""

from __future__ import annotations

from collections.abc import Sequence
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
from django.utils.translation import ngettext

from skillmeat_site.core import selections
from skillmeat_site.core.admin import confirmation
from skillmeat_site.core.admin.actions import BulkAction, drop_plan, job_url, work_out
from skillmeat_site.core.admin.base import BaseAdmin, tell
from skillmeat_site.core.admin.confirmation import Frozen
from skillmeat_site.core.admin.display import change_url
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.models import Job, Selection


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
        if not (action.is_allowed(request) and self.has_view_or_change_permission(request, row)):
            raise PermissionDenied
        chosen = self.get_queryset(request).filter(pk=row.pk)
        return self.to_confirmation(request, action, chosen, back=change_url(row)) or HttpResponseRedirect(
            change_url(row)
        )

    def to_confirmation(
        self, request: HttpRequest, action: BulkAction, queryset: models.QuerySet[Any], back: str
    ) -> HttpResponse | None:
        """Freeze what was chosen, and ask. None, and a message, if there is nothing of it."""
        rows = action.chosen(request, queryset)
        ids = [str(key) if isinstance(key, UUID) else key for key in rows.values_list(action.key, flat=True)]
        if not ids:
            messages.warning(request, _("None of the selected rows has anything that this could be done to."))
            return None
        selection = selections.freeze(
            request.user, model=self.opts.label_lower, action=action.name, ids=ids, back=back
        )
        return HttpResponseRedirect(self._confirm_url(selection.pk))

    def confirm_view(self, request: HttpRequest, selection_id: UUID) -> HttpResponse:
        """GET shows what would happen. POST does it, once; or has the preview or the exact plan worked out."""
        selection = selections.find(selection_id)
        if selection is None:
            return self._unknown(request, selection_id)
        if selection.owner_id != request.user.pk or selection.model != self.opts.label_lower:
            raise Http404
        action = self._action(selection.action)
        # Who may do it, but may not look at the list, is shown no names of its rows either.
        if action is None or not (action.is_allowed(request) and self.has_view_or_change_permission(request)):
            raise PermissionDenied
        if selection.landed:
            return HttpResponseRedirect(selection.landed)
        frozen = confirmation.standing(action, request, self.get_queryset(request), selection.ids)
        if request.method == "POST":
            return self._posted(request, action, selection, frozen)
        form, _options = confirmation.form_and_options(action, request, selection)
        return self._confirmation(request, action, selection, frozen, form)

    def _posted(self, request: HttpRequest, action: BulkAction, selection: Selection, frozen: Frozen) -> HttpResponse:
        form = action.options_form(request, request.POST)
        query = confirmation.options_query(action, request.POST, request)
        looks = "preview" in request.POST
        # What is wrong with the options a preview tells as well, and nothing is kept of it.
        if not form.is_valid() and not (looks and not confirmation.is_long(query)):
            return self._confirmation(request, action, selection, frozen, form)
        if looks:
            return self._again(request, selection, query)
        ids = frozen.acted_on(selection.ids)
        if not ids:
            messages.error(request, _("Nothing was done: you may not see any of the selected objects any more."))
            return HttpResponseRedirect(selection.back)
        try:
            if "plan" in request.POST:
                work_out(action, request, selection, frozen.visible, form.cleaned_data)
                return self._again(request, selection, query)
            if not confirmation.is_as_shown(action, request, selection, frozen, form.cleaned_data):
                messages.info(request, _("The options have changed. This is what they do: nothing was done yet."))
                return self._again(request, selection, query)
            landed = action.run(request, selection, ids, form.cleaned_data)
        except DomainError as error:
            tell(request, error)
            return HttpResponseRedirect(selection.back)
        selections.land(selection, landed)
        confirmation.forget(request, selection)
        drop_plan(request, selection)
        if frozen.blocked:
            left = len(frozen.blocked)
            text = ngettext("%d object was left out, by permission.", "%d objects were left out, by permission.", left)
            messages.warning(request, text % left)
        return HttpResponseRedirect(landed)

    def _again(self, request: HttpRequest, selection: Selection, query: str) -> HttpResponse:
        """The page anew, with these options."""
        kept = confirmation.keep(request, selection, query)
        return HttpResponseRedirect(f"{self._confirm_url(selection.pk)}?{kept}")

    def _confirmation(
        self, request: HttpRequest, action: BulkAction, selection: Selection, frozen: Frozen, form: forms.Form
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            **confirmation.context(request, action, selection, frozen, form),
            "opts": self.opts,
            "media": self.media + form.media,
            "form": form,
        }
        return TemplateResponse(request, "admin/skillmeat/confirm.html", context)

    def _unknown(self, request: HttpRequest, selection_id: UUID) -> HttpResponse:
        """There is no such selection any more: perhaps it has run long ago, else it must be chosen anew."""
        if Job.objects.filter(pk=selection_id).exists():
            return HttpResponseRedirect(job_url(selection_id))
        messages.error(request, _("This selection is no longer known. Nothing was done: please select again."))
        return HttpResponseRedirect(reverse(f"admin:{self._url_name('changelist')}"))

    def _action(self, name: str) -> BulkAction | None:
        return next((kind() for kind in self.bulk_actions if kind.name == name), None)

    def _confirm_url(self, selection_id: UUID) -> str:
        return reverse(f"admin:{self._url_name('confirm')}", args=[selection_id])

    def _url_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"


def _choose(
    action: BulkAction, model_admin: BulkActionsAdmin, request: HttpRequest, queryset: models.QuerySet[Any]
) -> HttpResponse | None:
    """What the action menu calls: only the ids are taken, in the order of the list."""
    if not queryset.exists():
        messages.warning(request, _("None of the selected rows exists any more."))
        return None
    return model_admin.to_confirmation(request, action, queryset, back=request.get_full_path())
