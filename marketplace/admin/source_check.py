""" "Check it": what the repository of a source's form holds, before anything is saved."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from marketplace.admin.badges import TYPE
from marketplace.models import Source
from marketplace.services.checking import Checked, check_repository
from marketplace.services.folders import folders_of, matching, remembered_folders
from skillmeat_site.core.admin.display import change_url
from skillmeat_site.core.admin.hints import hint_for
from skillmeat_site.core.admin.services import ServiceAdmin
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.core.text import printable

CHECK = "_check"
FRAGMENT = "admin/skillmeat/source_check.html"
MAX_WARNINGS = 20
READERS = {"git": _("git"), "github": _("GitHub's API"), "github+git": _("GitHub's API, then git")}
_SEEN = "_skillmeat_checked"


class CheckedForm(NamedTuple):
    """What came of a check: a result, or why there is none. Neither where the form itself is wrong."""

    result: Checked | None = None
    error: DomainError | None = None


class ChecksSources(ServiceAdmin):
    """The part of the sources' admin that looks at repositories. Nothing is saved by it."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_GET(self.folders_view))
        return [path("folders/", view, name="marketplace_source_folders"), *super().get_urls()]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"only_check": CHECK in request.POST})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" or CHECK not in request.POST:
            return super().changeform_view(request, *args, **kwargs)
        object_id = kwargs.get("object_id", args[0] if args else None)
        form, checked = self._check(request, object_id)
        if "application/json" not in request.headers.get("Accept", ""):
            # Django makes the page in a transaction: what was asked upstream has been asked by now.
            setattr(request, _SEEN, checked)
            return super().changeform_view(request, *args, **kwargs)
        answer = TemplateResponse(request, FRAGMENT, shown(checked)).render()
        tree = checked.result.tree_oid if checked.result else ""
        return JsonResponse({"html": answer.content.decode(), "tree": tree, "invalid": bool(form.errors)})

    def _check(self, request: HttpRequest, object_id: str | None) -> tuple[Any, CheckedForm]:
        source = self.get_object(request, object_id) if object_id else None
        allowed = self.has_change_permission(request, source) if object_id else self.has_add_permission(request)
        if not allowed or (object_id and source is None):
            raise PermissionDenied
        form = self.get_form(request, source, change=source is not None)(request.POST, instance=source)
        if form.errors:
            return form, CheckedForm()
        try:
            return form, CheckedForm(result=check_repository(of=source, **form.cleaned_data))
        except Exception as error:
            known = as_domain_error(error)
            if known is None:
                raise
            return form, CheckedForm(error=known)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        checked: CheckedForm | None = getattr(request, _SEEN, None)
        if checked is not None:
            context |= shown(checked)
            if checked.result:
                context["adminform"].form.offer(checked.result.tree_oid)
        return super().render_change_form(request, context, *args, **kwargs)

    def folders_view(self, request: HttpRequest) -> JsonResponse:
        """Folders to choose from while somebody types: of a tree that was looked at, or of a last scan."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        asked, told = request.GET.get("source", ""), ""
        folders = remembered_folders(request.GET.get("tree", "")) or []
        source = self.get_object(request, asked) if asked and not folders else None
        if source is not None and self.has_view_permission(request, source):
            try:
                folders = folders_of(source)
            except DomainError as error:
                told = printable(error.detail)
        return JsonResponse({"folders": matching(folders, request.GET.get("q", "")), "detail": told})


def shown(checked: CheckedForm) -> dict[str, Any]:
    """What the page and the fragment lay out."""
    result, error = checked
    context: dict[str, Any] = {"checked": True, "check": result, "check_error": None}
    if error is not None:
        context["check_error"] = {
            "detail": printable(error.detail_until), "code": error.code, "hint": hint_for(error.code, error.detail),
        }  # fmt: skip
    if result is not None:
        known = Source.objects.filter(pk=result.known).first() if result.known else None
        context |= {
            "check_counts": [(TYPE[type_][0] if type_ in TYPE else type_, n) for type_, n in result.counts.items()],
            "check_reader": READERS[result.provider],
            "check_warnings": [
                {name: printable(text) for name, text in warned._asdict().items()}
                for warned in result.warnings[:MAX_WARNINGS]
            ],
            "check_more": max(0, len(result.warnings) - MAX_WARNINGS),
            "check_known": change_url(known) if known else "",
            "check_ref": printable(result.ref),
            "check_branch": printable(result.default_branch),
            "check_seconds": f"{result.seconds:.1f}",
        }
    return context
