"""Bulk actions over sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import BooleanField, Case, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.jobs import bulk_rescan, bulk_update_sources, rescan
from marketplace.models import Source
from skillmeat_site.core.admin.actions import JobAction, Options
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.previews import Count, Preview, estimate
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.leases import is_free

INLINE = 500
"""So many sources change within a second; more are a worker's."""
SCANNED: Words = {
    "scan": (_("will be scanned"), Tone.INFO),
    "busy": (_("being scanned now (not scanned a second time)"), Tone.QUIET),
}


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
    button = _("Rescan")
    form = RescanForm
    job = bulk_rescan
    exact_up_to = 0

    def estimate(self, request: HttpRequest, ids: Sequence[int], options: Options | None) -> Preview:
        free, now = is_free(), timezone.now()
        known = Source.objects.filter(pk__among=list(ids)).annotate(
            busy=Case(When(free, then=False), default=True, output_field=BooleanField())
        )
        rows = {row[0]: row for row in known.values_list("pk", "busy", "enabled", "not_before")}
        idle = [row for row in rows.values() if not row[1]]
        return estimate(
            "source",
            [pk for pk in ids if pk in rows],
            lambda pk: "busy" if rows[pk][1] else "scan",
            words=SCANNED,
            note=_("What a scan finds is known only once the repository has been read."),
            facts=[
                Count(_("of these disabled (scanned all the same, because you ask for them)"),
                      sum(not row[2] for row in idle)),
                Count(_("of these backing off after failures (tried all the same)"),
                      sum(row[2] and row[3] is not None and row[3] > now for row in idle)),
            ],
        )  # fmt: skip

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

    job = bulk_update_sources
    inline_up_to = INLINE
    enabled: ClassVar[bool]

    def params(self, ids: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": list(ids), "enabled": self.enabled}


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
