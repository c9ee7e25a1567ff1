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
from skillmeat_site.core.admin.actions import JobAction, Options
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.fields import WordsField
from skillmeat_site.core.admin.previews import PLANNED, Count, ListedPreview, Preview, estimate
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.results import ItemOutcome

AT_ONCE = 500
"""So many records are read and written within a second or two; more are a worker's."""
CHANGED: Words = {"change": (_("artifacts will be changed"), Tone.INFO)}


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
    """Before the form is filled in, the preview can only tell what is chosen."""

    job = edit
    inline_up_to = AT_ONCE
    exact_up_to = AT_ONCE

    def estimate(self, request: HttpRequest, ids: Sequence[str], options: Options | None) -> Preview:
        chosen = Artifact.objects.filter(pk__among=list(ids))
        collections = chosen.order_by().values("collection").distinct().count()
        return estimate(
            "artifact",
            ids,
            lambda pk: "change",
            words=CHANGED,
            facts=[
                Count(_("of these pinned now"), chosen.exclude(pin="").count()),
                Count(_("collections, whose collection.toml is written"), collections),
            ],
        )


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
    job = remove
    exact_up_to = AT_ONCE
    dangerous = True

    def estimate(self, request: HttpRequest, ids: Sequence[str], options: Options | None) -> Preview:
        deployed = Deployment.objects.filter(artifact__pk__among=list(ids)).count()
        return estimate("artifact", ids, lambda pk: ItemOutcome.REMOVED, words=PLANNED, facts=self.facts(deployed))

    def planned(self, request: HttpRequest, ids: Sequence[str], options: Options) -> ListedPreview:
        preview = super().planned(request, ids, options)
        preview.facts = self.facts(Deployment.objects.filter(artifact__pk__among=list(ids)).count())
        return preview

    def facts(self, deployed: int) -> list[Count]:
        return [Count(_("deployed copies stay in their projects"), deployed)]
