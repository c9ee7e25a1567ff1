"""Bulk actions over sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import Count as Number
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.jobs import bulk_rescan, bulk_update_sources, rescan
from marketplace.models import Source
from skillmeat_site.core.admin.actions import Count, JobAction
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.leases import is_free


class RescanForm(forms.Form):
    force = forms.BooleanField(
        label=_("Force"), required=False, help_text=_("Scan even where the commit has not changed.")
    )
    allow_removals = forms.BooleanField(
        label=_("Allow removals"),
        required=False,
        help_text=_("Carry out what the removal guard would hold: more than half of a source's entries gone at once."),
    )


class RescanSources(JobAction):
    """The plan is not known before the repositories are asked: the preview tells the state of the sources instead."""

    name = "rescan"
    label = _("Rescan selected sources")
    description = _("Brings the catalog of each source up to its repository's current commit.")
    permission = "marketplace.rescan_source"
    button = _("Rescan")
    form = RescanForm
    job = bulk_rescan

    def preview(self, request: HttpRequest, ids: Sequence[int]) -> list[Count]:
        free = is_free()
        found = Source.objects.filter(pk__among=list(ids)).aggregate(
            free=Number("pk", filter=free),
            busy=Number("pk", filter=~free),
            disabled=Number("pk", filter=free & Q(enabled=False)),
            backing_off=Number("pk", filter=free & Q(enabled=True, not_before__gt=timezone.now())),
        )
        gone = len(ids) - found["free"] - found["busy"]
        return [
            Count(_("will be scanned"), found["free"]),
            Count(_("of these disabled (scanned all the same, because you ask for them)"), found["disabled"]),
            Count(_("of these backing off after failures (tried all the same)"), found["backing_off"]),
            Count(_("being scanned now (not scanned a second time)"), found["busy"]),
            Count(_("deleted meanwhile"), gone),
        ]

    def target(self, ids: Sequence[int], options: Mapping[str, Any]) -> tuple[JobDefinition, dict[str, Any]]:
        """A single source needs no job around its job; and joins a scan that is on its way."""
        if len(ids) == 1:
            return rescan, {"source_id": ids[0], **options}
        return super().target(ids, options)


class ForceRescanSources(RescanSources):
    name = "force_rescan"
    label = _("Force rescan of selected sources")
    description = _("Reads each repository again, even where its commit has not changed.")
    initial: ClassVar[Mapping[str, Any]] = {"force": True}


class _SwitchSources(JobAction):
    """Enable or disable: database only, so it is done at once and the preview is the job's own dry run."""

    permission = "marketplace.change_source"
    job = bulk_update_sources
    inline = True
    enabled: ClassVar[bool]

    def params(self, ids: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": list(ids), "enabled": self.enabled}

    def preview(self, request: HttpRequest, ids: Sequence[int]) -> list[Count]:
        return self.planned(request, ids, {})


class EnableSources(_SwitchSources):
    name = "enable"
    label = _("Enable selected sources")
    description = _("Enabled sources are scanned by schedules and sweeps.")
    enabled = True


class DisableSources(_SwitchSources):
    name = "disable"
    label = _("Disable selected sources")
    description = _("Disabled sources are left out by schedules and sweeps. Their entries stay.")
    enabled = False
