"""Bulk actions over collections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.jobs import bulk_delete, bulk_snapshot, index, index_all, snapshot
from collections_app.models import Artifact, Collection, Deployment
from collections_app.services.snapshots import MAX_REASON
from skillmeat_site.core.admin.actions import JobAction, Options
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.previews import PLANNED, Count, ListedPreview, Preview, estimate
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.leases import is_free
from skillmeat_site.core.results import ItemOutcome

READ: Words = {
    "read": (_("collections will be read"), Tone.INFO),
    "busy": (_("being changed now (they will say that they are busy)"), Tone.WARNING),
}


class _OfCollections(JobAction):
    """Frozen by slug, which still names a collection that is deleted meanwhile."""

    key = "slug"

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
        return {"slugs": list(ids), **options}


class _Reading(_OfCollections):
    """The estimate counts what is there: reading all files for it could take minutes."""

    exact_up_to = 0

    def estimate(self, request: HttpRequest, ids: Sequence[str], options: Options | None) -> Preview:
        rows = Collection.objects.filter(slug__among=list(ids))
        busy = set(rows.exclude(is_free()).values_list("slug", flat=True))
        return estimate(
            "collection",
            ids,
            lambda slug: "busy" if slug in busy else "read",
            words=READ,
            note=_("The files are not looked at before."),
            facts=[
                Count(_("artifacts in them"), Artifact.objects.filter(collection__slug__among=list(ids)).count()),
                Count(_("had a problem when they were read last"), rows.exclude(problem_code="").count()),
            ],
        )


class SnapshotForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), required=False, max_length=MAX_REASON)


class SnapshotCollections(_Reading):
    name = "snapshot"
    label = _("Take snapshots of selected collections")
    button = _("Take a snapshot")
    description = _("Records every byte of each collection, to go back to.")
    form = SnapshotForm
    job = bulk_snapshot

    def target(self, ids: Sequence[Any], options: Options) -> tuple[JobDefinition, dict[str, Any]]:
        return (snapshot, {"slug": ids[0], **options}) if len(ids) == 1 else super().target(ids, options)


class IndexCollections(_Reading):
    name = "refresh_cache"
    label = _("Refresh the cache of selected collections")
    button = _("Refresh the cache")
    description = _("Brings what this site shows up to date with the files. The files themselves are only read.")
    job = index_all

    def target(self, ids: Sequence[Any], options: Options) -> tuple[JobDefinition, dict[str, Any]]:
        return (index, {"slug": ids[0]}) if len(ids) == 1 else super().target(ids, options)


class DeleteForm(forms.Form):
    force = forms.BooleanField(
        label=_("Force"),
        required=False,
        help_text=_("Delete also while artifacts are deployed. The copies in projects stay where they are."),
    )


class DeleteCollections(_OfCollections):
    name = "delete"
    label = _("Delete selected collections")
    button = _("Delete")
    description = _("Takes a snapshot of each, then moves its folder to the trash. Sources and projects stay.")
    form = DeleteForm
    job = bulk_delete
    exact_up_to = 50
    dangerous = True

    def planned(self, request: HttpRequest, ids: Sequence[str], options: Options) -> ListedPreview:
        preview = super().planned(request, ids, options)
        preview.facts = self.facts(ids)
        return preview

    def estimate(self, request: HttpRequest, ids: Sequence[str], options: Options | None) -> Preview:
        return estimate("collection", ids, lambda slug: ItemOutcome.REMOVED, words=PLANNED, facts=self.facts(ids))

    def facts(self, ids: Sequence[str]) -> list[Count]:
        artifacts = Artifact.objects.filter(collection__slug__among=list(ids))
        return [
            Count(_("artifacts in them"), artifacts.count()),
            Count(_("deployments come from them"), Deployment.objects.filter(artifact__in=artifacts).count()),
        ]
