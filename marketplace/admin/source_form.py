"""The form of a source: the columns that belong to its user."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.models import Source
from marketplace.services.sources import EDITABLE
from skillmeat_site.core.admin.fields import WordsField
from skillmeat_site.core.admin.services import ServiceForm


class SourceForm(ServiceForm):
    """Only shapes values; whether they are right the service decides, for all faces alike."""

    tags = WordsField(label=_("Tags"), required=False, help_text=_("Separated by commas."))
    manual_map = forms.JSONField(
        label=_("Manual map"),
        required=False,
        initial=dict,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=_('Folder → type, as JSON: {"prompts": "command"}. The nearest ancestor wins over every rule.'),
    )

    class Meta:
        model = Source
        fields = EDITABLE

    def clean_manual_map(self) -> Any:
        return self.cleaned_data["manual_map"] or {}
