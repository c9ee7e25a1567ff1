"""Bulk actions over catalog entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.jobs import bulk_update_entries
from marketplace.services.entries import MAX_REASON
from skillmeat_site.core.admin.actions import JobAction

INLINE = 2_000
"""So many entries change within a second; more are a worker's."""


class ExcludeForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Shown beside the entries; may be empty."),
    )


class ExcludeEntries(JobAction):
    name = "exclude"
    label = _("Exclude selected entries")
    button = _("Exclude")
    description = _("Excluded entries are hidden and cannot be imported, whatever later scans find.")
    form = ExcludeForm
    job = bulk_update_entries
    inline_up_to = INLINE

    def params(self, ids: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": list(ids), "excluded": True, "reason": options.get("reason", "")}


class RestoreEntries(JobAction):
    name = "restore"
    label = _("Restore selected entries")
    button = _("Restore")
    description = _("Takes back an exclusion; the reason is forgotten.")
    job = bulk_update_entries
    inline_up_to = INLINE

    def params(self, ids: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": list(ids), "excluded": False, "reason": ""}
