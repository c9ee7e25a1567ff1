"""Forms whose saving and deleting goes through services: an expected refusal is an error of the form, not a crash."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from skillmeat_site.core.admin.base import BaseAdmin, in_words, tell
from skillmeat_site.core.admin.display import change_url
from skillmeat_site.core.errors import DomainError

_REFUSAL = "_skillmeat_refusal"


class ServiceForm(forms.ModelForm):
    """Shows what a service refused, at the fields that it named."""

    refusal: DomainError | None = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.refusal is not None:
            self._show(self.refusal)
        return cleaned

    def _show(self, refusal: DomainError) -> None:
        placed = [problem for problem in refusal.errors if problem.pointer.strip("/") in self.fields]
        for problem in placed:
            self.add_error(problem.pointer.strip("/"), forms.ValidationError(problem.detail, code=problem.code))
        if not placed:
            self.add_error(None, forms.ValidationError(in_words(refusal), code=refusal.code))


class ServiceAdmin(BaseAdmin):
    """``save_model``, ``delete_model`` and ``delete_queryset`` call a service, which may raise DomainError.

    Everything of a refused request is rolled back; with ``writes_files`` the service sees to that itself, and no
    transaction is around it: what it does on disk counts at the end of its own. A refused form comes back with what
    was typed; a refused deletion ends in a message.
    """

    form = ServiceForm
    writes_files: ClassVar[bool] = False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"refusal": getattr(request, _REFUSAL, None)})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        view = self._changeform_view_unwrapped if self.writes_files else super().changeform_view
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            # The same request once more: this time the form knows the refusal, is not valid and saves nothing.
            setattr(request, _REFUSAL, error)
            return view(request, *args, **kwargs)

    @method_decorator(csrf_protect)
    def _changeform_view_unwrapped(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    def delete_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, *args, **kwargs)
        except DomainError as error:
            tell(request, error)
            row = self.get_object(request, object_id)
            return HttpResponseRedirect(change_url(row) if row else request.get_full_path())

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        try:
            # Django logs a deletion before it deletes: what is refused must not stand in the log.
            with transaction.atomic():
                return super().response_action(request, queryset, *args, **kwargs)
        except DomainError as error:
            tell(request, error)
            return HttpResponseRedirect(request.get_full_path())
