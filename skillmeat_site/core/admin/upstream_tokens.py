"""Tokens for reading repositories: entered here, and shown never again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.base import ReadOnlyAdmin, actor_of
from skillmeat_site.core.admin.display import Tone, ago, badge, shortened
from skillmeat_site.core.admin.history import History
from skillmeat_site.core.admin.services import ServiceAdmin, ServiceForm
from skillmeat_site.core.models import RefusedToken, UpstreamToken
from skillmeat_site.core.upstream_tokens import change_token, forget_refusal, remove_token, store_token

SHOWN = ("shown_state", "created_by", "shown_created", "shown_changed", "shown_used")


class UpstreamTokenForm(ServiceForm):
    value = forms.CharField(
        label=_("token"),
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=_("Stored encrypted and shown never again. Left empty, the one that is stored stays."),
    )

    class Meta:
        model = UpstreamToken
        fields = ("name", "host", "owner")

    def clean_value(self) -> str:
        value: str = self.cleaned_data["value"]
        if not value and not self.instance.pk:
            raise forms.ValidationError(_("Enter the token."))
        return value


@admin.register(UpstreamToken)
class UpstreamTokenAdmin(ServiceAdmin):
    history = History.EVENTS
    form = UpstreamTokenForm
    list_display = ("shown_name", "host", "owner", *SHOWN)
    list_select_related = ("created_by",)
    search_fields = ("name", "host", "owner")
    search_help_text = _("Search by name, host or owner.")
    readonly_fields = SHOWN

    def get_fields(self, request: HttpRequest, obj: UpstreamToken | None = None) -> tuple[str, ...]:
        entered = ("name", "host", "owner", "value")
        return entered if obj is None else (*entered, *SHOWN)

    def save_model(self, request: HttpRequest, obj: UpstreamToken, form: Any, change: bool) -> None:
        said = {name: form.cleaned_data[name] for name in form.changed_data}
        if change:
            # The form has put the new values into ``obj``; the service starts from what is stored.
            change_token(UpstreamToken.objects.get(pk=obj.pk), actor=actor_of(request), changes=said)
        else:
            obj.pk = store_token(actor=actor_of(request), **{"name": "", "host": "", **said}).pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: UpstreamToken) -> None:
        remove_token(obj, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[UpstreamToken]) -> None:
        for row in queryset:
            remove_token(row, actor=actor_of(request))

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, token: UpstreamToken) -> str:
        return shortened(token.name)

    @admin.display(description=_("state"))
    def shown_state(self, token: UpstreamToken) -> str:
        if token.disabled_at is None:
            return badge(_("used"), Tone.GOOD)
        state = badge(_("not used"), Tone.BAD)
        return format_html("{} {} {}", state, token.disabled_reason, _("Enter another one."))

    @admin.display(description=_("entered"), ordering="created_at")
    def shown_created(self, token: UpstreamToken) -> str:
        return ago(token.created_at)

    @admin.display(description=_("changed"), ordering="changed_at")
    def shown_changed(self, token: UpstreamToken) -> str:
        return ago(token.changed_at)

    @admin.display(description=_("last used"), ordering="last_used_at")
    def shown_used(self, token: UpstreamToken) -> str:
        return ago(token.last_used_at)


@admin.register(RefusedToken)
class RefusedTokenAdmin(ReadOnlyAdmin):
    """Tokens of the environment. Who deletes one has it tried again."""

    list_display = fields = readonly_fields = ("name", "reason", "shown_when")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("core.delete_refusedtoken")

    def delete_model(self, request: HttpRequest, obj: RefusedToken) -> None:
        forget_refusal(obj, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RefusedToken]) -> None:
        for row in queryset:
            forget_refusal(row, actor=actor_of(request))

    @admin.display(description=_("when"), ordering="refused_at")
    def shown_when(self, token: RefusedToken) -> str:
        return ago(token.refused_at)
