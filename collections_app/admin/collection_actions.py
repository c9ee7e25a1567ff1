"""Bulk actions over collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import Count as Number
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.jobs import bulk_delete, bulk_snapshot, index, index_all, snapshot
from collections_app.models import Artifact, Collection, Deployment
from collections_app.services.snapshots import MAX_REASON
from skillmeat_site.core.admin.actions import Count, JobAction
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.leases import is_free


def slugs_of(ids: Sequence[int]) -> list[str]:
    """The collections that still exist, by name."""
    return list(Collection.objects.filter(pk__among=list(ids)).order_by("slug").values_list("slug", flat=True))


class _OfCollections(JobAction):
    """The preview counts what is there: reading all files for it could take minutes."""

    def params(self, ids: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"slugs": slugs_of(ids), **options}

    def preview(self, request: HttpRequest, ids: Sequence[int]) -> list[Count]:
        free = is_free()
        found = Collection.objects.filter(pk__among=list(ids)).aggregate(
            free=Number("pk", filter=free),
            busy=Number("pk", filter=~free),
            broken=Number("pk", filter=~Q(problem_code="")),
        )
        artifacts = Artifact.objects.filter(collection__pk__among=list(ids)).count()
        return [
            Count(_("collections will be read"), found["free"]),
            Count(_("artifacts in them"), artifacts),
            Count(_("being changed now (they will say that they are busy)"), found["busy"]),
            Count(_("had a problem when they were read last"), found["broken"]),
            Count(_("deleted meanwhile"), len(ids) - found["free"] - found["busy"]),
        ]


class SnapshotForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), required=False, max_length=MAX_REASON)


class SnapshotCollections(_OfCollections):
    name = "snapshot"
    label = _("Take snapshots of selected collections")
    button = _("Take a snapshot")
    description = _("Records every byte of each collection, to go back to.")
    permission = "collections_app.add_snapshot"
    form = SnapshotForm
    job = bulk_snapshot

    def target(self, ids: Sequence[Any], options: Mapping[str, Any]) -> tuple[JobDefinition, dict[str, Any]]:
        slugs = slugs_of(ids)
        if len(slugs) == 1:
            return snapshot, {"slug": slugs[0], **options}
        return self.job, {"slugs": slugs, **options}


class IndexCollections(_OfCollections):
    name = "refresh_cache"
    label = _("Refresh the cache of selected collections")
    button = _("Refresh the cache")
    description = _("Brings what this site shows up to date with the files. The files themselves are only read.")
    permission = "collections_app.refresh_collection"
    job = index_all

    def target(self, ids: Sequence[Any], options: Mapping[str, Any]) -> tuple[JobDefinition, dict[str, Any]]:
        slugs = slugs_of(ids)
        return (index, {"slug": slugs[0]}) if len(slugs) == 1 else (self.job, {"slugs": slugs})


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
    permission = "collections_app.delete_collection"
    form = DeleteForm
    job = bulk_delete
    dangerous = True

    def preview(self, request: HttpRequest, ids: Sequence[int]) -> list[Count]:
        artifacts = Artifact.objects.filter(collection__pk__among=list(ids)).count()
        deployed = Deployment.objects.filter(artifact__collection__pk__among=list(ids)).count()
        return [
            Count(_("collections will be deleted"), len(slugs_of(ids))),
            Count(_("artifacts in them"), artifacts),
            Count(_("deployments come from them (their collections stay, unless forced)"), deployed),
        ]
