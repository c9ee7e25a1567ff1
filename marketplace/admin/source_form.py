"""The form of a source: the columns that belong to its user."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace.admin.map_field import MapField
from marketplace.models import Source
from marketplace.services.folders import matching, remembered_folders
from marketplace.services.sources import EDITABLE
from skillmeat_site.core.admin.fields import WordsField
from skillmeat_site.core.admin.services import ServiceForm

OFFERED = 200
"""Folders that stand ready in the page; while somebody types, all are looked through."""


class SourceForm(ServiceForm):
    """Only shapes values; whether they are right the service decides, for all faces alike.

    ``only_check``: it was sent to be looked at, not to be saved.
    """

    only_check = False
    tags = WordsField(label=_("Tags"), required=False, help_text=_("Separated by commas."))
    manual_map = MapField(
        label=_("Folders"),
        required=False,
        help_text=_(
            "What you know better than the rules: the nearest folder above a file wins. Clear a row to drop it."
        ),
    )

    class Meta:
        model = Source
        fields = EDITABLE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("manual_map")
        if field is not None:
            url = reverse("admin:marketplace_source_folders")
            field.widget.folders_url = f"{url}?source={self.instance.pk}" if self.instance.pk else url
            self.offer(self.instance.tree_oid)

    def offer(self, tree_oid: str) -> None:
        """Offer the folders of this tree, if they are known."""
        known = remembered_folders(tree_oid)
        if known:
            widget = self.fields["manual_map"].widget
            widget.folders = matching(known, "", OFFERED)

    def is_valid(self) -> bool:
        return super().is_valid() and not self.only_check

    def clean_manual_map(self) -> Any:
        mapping = self.cleaned_data["manual_map"]
        return self.instance.manual_map if mapping is None else mapping
