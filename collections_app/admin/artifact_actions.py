"""Bulk actions over artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.domain.artifact_edit import MAX_PIN_REASON, MAX_TITLE, ArtifactEdit
from collections_app.jobs import edit, remove
from collections_app.models import Artifact, Deployment
from skillmeat_site.core.admin.actions import Count, JobAction
from skillmeat_site.core.admin.fields import WordsField
from skillmeat_site.core.errors import DomainError


class _EditForm(forms.Form):
    """Says at once what the service would refuse."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            ArtifactEdit.of(cleaned)
        except DomainError as error:
            raise forms.ValidationError(error.detail, code=error.code) from None
        return cleaned


class PinForm(_EditForm):
    pin = forms.CharField(label=_("Pin to"), max_length=255, help_text=_("A commit, a tag or a branch."))
    pin_reason = forms.CharField(
        label=_("Reason"), required=False, max_length=MAX_PIN_REASON, widget=forms.Textarea(attrs={"rows": 3})
    )


class TagsForm(_EditForm):
    add_tags = WordsField(label=_("Add"), required=False, help_text=_("Separated by commas."))
    remove_tags = WordsField(label=_("Remove"), required=False, help_text=_("Separated by commas."))


class TitleForm(_EditForm):
    title = forms.CharField(label=_("Title"), required=False, max_length=MAX_TITLE)


class _EditArtifacts(JobAction):
    """What is said is known only with the form, so the preview counts what is chosen."""

    permission = "collections_app.change_artifact"
    job = edit
    inline = True

    def preview(self, request: HttpRequest, ids: Sequence[str]) -> list[Count]:
        chosen = Artifact.objects.filter(pk__in=ids)
        collections = chosen.order_by().values("collection").distinct().count()
        return [
            Count(_("artifacts will be changed"), chosen.count()),
            Count(_("of these pinned now"), chosen.exclude(pin="").count()),
            Count(_("collections, whose collection.toml is written"), collections),
        ]


class PinArtifacts(_EditArtifacts):
    name = "pin"
    label = _("Pin selected artifacts")
    button = _("Pin")
    description = _("A pinned artifact stays at its version: no sync touches it.")
    form = PinForm


class UnpinArtifacts(_EditArtifacts):
    name = "unpin"
    label = _("Unpin selected artifacts")
    button = _("Unpin")
    description = _("Takes pins back; their reasons are forgotten.")

    def params(self, ids: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": list(ids), "pin": ""}

    def preview(self, request: HttpRequest, ids: Sequence[str]) -> list[Count]:
        return self.planned(request, ids, {})


class TagArtifacts(_EditArtifacts):
    name = "tags"
    label = _("Add or remove tags of selected artifacts")
    button = _("Tags")
    description = _("The tags are yours from then on: a refresh leaves them alone.")
    form = TagsForm


class TitleArtifacts(_EditArtifacts):
    name = "title"
    label = _("Set the title of selected artifacts")
    button = _("Title")
    description = _("The title is yours from then on: a refresh leaves it alone.")
    form = TitleForm


class RemoveArtifacts(JobAction):
    name = "remove"
    label = _("Remove selected artifacts")
    button = _("Remove")
    description = _("Takes them out of their collections, after a snapshot of each collection.")
    permission = "collections_app.delete_artifact"
    job = remove
    dangerous = True

    def preview(self, request: HttpRequest, ids: Sequence[str]) -> list[Count]:
        chosen = Artifact.objects.filter(pk__in=ids)
        deployed = Deployment.objects.filter(artifact__in=chosen).count()
        return [
            Count(_("will be removed"), chosen.count()),
            Count(_("deployed copies stay in their projects"), deployed),
        ]
