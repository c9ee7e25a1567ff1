"""API tokens: made here and shown once, revoked here. Their digest is shown nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.contrib.auth import get_user_model
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from skillmeat_site.core.admin.actions import BulkAction, Options
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.base import actor_of, tell
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.display import Tone, ago, badge, changelist_url, shortened
from skillmeat_site.core.admin.fields import find_by_typing
from skillmeat_site.core.admin.filters import WordFilter
from skillmeat_site.core.admin.history import History
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.admin.previews import ListedPreview, Planned, Preview
from skillmeat_site.core.errors import SentBefore
from skillmeat_site.core.models import ApiToken, Selection
from skillmeat_site.core.models.token import DEFAULT_DAYS, Scope
from skillmeat_site.core.tokens import issue_token, revoke_tokens


def default_expiry() -> Any:
    return timezone.now() + timedelta(days=DEFAULT_DAYS)


class TokenForm(forms.ModelForm):
    """What there is to say about a new token. ``form_id``: sent again, it does not make another one."""

    form_id = forms.UUIDField(initial=uuid4, required=False, widget=forms.HiddenInput)
    expires_at = forms.SplitDateTimeField(label=_("Expires at"), initial=default_expiry, widget=AdminSplitDateTime)

    class Meta:
        model = ApiToken
        fields = ("user", "name", "scope", "expires_at")

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at <= timezone.now():
            raise forms.ValidationError(_("The token would have expired already."))
        return expires_at


def _offer_users(field: Any, request: HttpRequest) -> None:
    """Oneself, in a plain list: needs no scripts, and no permission to look at users. Superusers choose anybody."""
    field.initial = request.user.pk
    field.widget = forms.Select()
    if request.user.is_superuser:
        field.queryset = get_user_model()._default_manager.order_by("username")
        find_by_typing(field, ApiToken._meta.get_field("user"))
    else:
        # A token acts as its user: one made for somebody else would lend their permissions.
        field.empty_label = None
        field.queryset = get_user_model()._default_manager.filter(pk__in=[request.user.pk])


show_objects("token", ApiToken)
REVOKED: Words = {
    "revoke": (_("will be revoked"), Tone.BAD),
    "revoked": (_("already revoked"), Tone.QUIET),
}


class RevokeTokens(BulkAction):
    name = "revoke"
    label = _("Revoke selected tokens")
    description = _("A revoked token is refused at once and for good.")
    dangerous = True

    def is_allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perm("core.change_apitoken")

    def preview(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        live = set(ApiToken.objects.filter(pk__among=list(ids), revoked_at__isnull=True).values_list("pk", flat=True))
        rows = (Planned("token", str(pk), "", "revoke" if pk in live else "revoked") for pk in ids)
        return ListedPreview(rows, words=REVOKED)

    def run(self, request: HttpRequest, selection: Selection, ids: Sequence[Any], options: Options) -> str:
        revoked = revoke_tokens(ids, actor=actor_of(request))
        messages.success(request, ngettext("%d token was revoked.", "%d tokens were revoked.", revoked) % revoked)
        return selection.back


class ScopeFilter(WordFilter):
    title = _("scope")
    parameter_name = facet = "scope"
    words = {one.value: (one.value, Tone.QUIET) for one in Scope}


@admin.register(ApiToken)
class ApiTokenAdmin(BulkActionsAdmin):
    """A token is made and revoked, never edited."""

    history = History.EVENTS
    form = TokenForm
    bulk_actions = (RevokeTokens,)
    list_display = ("shown_name", "user", "scope", "shown_state", "shown_created", "shown_expires", "shown_used")
    list_filter = (ScopeFilter,)
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    search_help_text = _("Search by name or user.")
    view_fields = (
        "shown_name", "user", "scope", "shown_state", "shown_created", "shown_expires", "shown_used",
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except SentBefore as error:
            tell(request, error)
            return HttpResponseRedirect(self._way_on(request))

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return (*TokenForm.Meta.fields, "form_id") if obj is None else self.view_fields

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return () if obj is None else self.view_fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "user" in form.base_fields:
            _offer_users(form.base_fields["user"], request)
        return form

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        row, secret = issue_token(
            obj.user, scope=Scope(obj.scope), actor=actor_of(request), name=obj.name, expires_at=obj.expires_at,
            form_id=form.cleaned_data["form_id"],
        )  # fmt: skip
        obj.pk = row.pk
        obj.refresh_from_db()
        request.issued_secret = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: Any = None) -> HttpResponse:
        """The page with the token itself. Not a message: those are kept in a cookie or in the session."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Copy the token"),
            "token": obj,
            "secret": request.issued_secret,  # type: ignore[attr-defined]
            "way_on": self._way_on(request),
        }
        response = TemplateResponse(request, "admin/skillmeat/token_issued.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _way_on(self, request: HttpRequest) -> str:
        return changelist_url(ApiToken) if self.has_view_permission(request) else reverse("admin:index")

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, token: ApiToken) -> str:
        return shortened(str(token))

    @admin.display(description=_("state"))
    def shown_state(self, token: ApiToken) -> str:
        if token.revoked_at is not None:
            return badge(_("revoked"), Tone.QUIET)
        if token.expires_at <= timezone.now():
            return badge(_("expired"), Tone.WARNING)
        return badge(_("usable"), Tone.GOOD)

    @admin.display(description=_("made"), ordering="created_at")
    def shown_created(self, token: ApiToken) -> str:
        return ago(token.created_at)

    @admin.display(description=_("expires"), ordering="expires_at")
    def shown_expires(self, token: ApiToken) -> str:
        return ago(token.expires_at)

    @admin.display(description=_("last used"), ordering="last_used_at")
    def shown_used(self, token: ApiToken) -> str:
        return ago(token.last_used_at)
