"""Bulk actions: refresh metadata, check for updates, sync; of collections and of single artifacts. A worker does it.

For the lists of both: ``bulk_actions = (…, *REFRESH_COLLECTIONS)`` and ``(…, *REFRESH_ARTIFACTS)``. Upstream is not
asked before it is confirmed: the preview counts what is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import Count as Number
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.refresh_options import RefreshMode, Strategy
from collections_app.jobs import bulk_refresh, refresh, refresh_artifacts
from collections_app.models import Artifact, Collection
from collections_app.querysets import ArtifactQuerySet
from collections_app.refresh_jobs import plan
from skillmeat_site.core.admin.actions import Count, JobAction
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.core.jobs.registry import JobDefinition

STRATEGIES = (
    (Strategy.ABORT.value, _("leave them as they are")),
    (Strategy.MERGE.value, _("merge; leave those in which both sides changed the same")),
    (Strategy.OURS.value, _("merge; of what both sides changed, keep ours")),
    (Strategy.THEIRS.value, _("merge; of what both sides changed, take theirs")),
)


class SyncForm(forms.Form):
    strategy = forms.ChoiceField(
        label=_("Artifacts that were edited here and changed upstream"),
        choices=STRATEGIES,
        initial=Strategy.ABORT.value,
    )


class _Refresh(JobAction):
    permission = "collections_app.refresh_collection"
    mode: ClassVar[RefreshMode]

    def artifacts(self, ids: Sequence[Any]) -> ArtifactQuerySet:
        """The artifacts that are meant."""
        raise NotImplementedError

    def preview(self, request: HttpRequest, ids: Sequence[Any]) -> list[Count]:
        found = (
            self.artifacts(ids)
            .with_state()
            .aggregate(
                known=Number("pk", filter=~Q(upstream_url="")),
                pinned=Number("pk", filter=~Q(upstream_url="") & ~Q(pin="")),
                updates=Number("pk", filter=Q(state=ArtifactState.UPDATE_AVAILABLE.value)),
                edited=Number("pk", filter=Q(state=ArtifactState.CONFLICT.value)),
                local=Number("pk", filter=Q(upstream_url="")),
            )
        )
        return [
            Count(_("artifacts will be looked up in their repositories"), found["known"]),
            Count(_("of these pinned"), found["pinned"]),
            Count(_("of these with an update when they were last checked"), found["updates"]),
            Count(_("of these edited here and changed upstream when they were last checked"), found["edited"]),
            Count(_("without an upstream: they are skipped"), found["local"]),
        ]


class _OfCollections(_Refresh):
    job = bulk_refresh

    def artifacts(self, ids: Sequence[Any]) -> ArtifactQuerySet:
        return Artifact.objects.filter(collection__pk__among=list(ids))

    def params(self, ids: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        slugs = Collection.objects.filter(pk__among=list(ids)).order_by("slug").values_list("slug", flat=True)
        return {"slugs": list(slugs), "mode": self.mode.value, **options}

    def target(self, ids: Sequence[Any], options: Mapping[str, Any]) -> tuple[JobDefinition, dict[str, Any]]:
        """A single collection is a job of its own, whose rows are its artifacts."""
        params = self.params(ids, options)
        slugs = params.pop("slugs")
        return (refresh, {"slug": slugs[0], **params}) if len(slugs) == 1 else super().target(ids, options)


class _OfArtifacts(_Refresh):
    job = refresh_artifacts

    def artifacts(self, ids: Sequence[Any]) -> ArtifactQuerySet:
        return Artifact.objects.filter(pk__among=list(ids))

    def params(self, ids: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": [str(pk) for pk in ids], "mode": self.mode.value, **options}


class RefreshCollections(_OfCollections):
    name = "refresh_metadata"
    label = _("Refresh metadata of selected collections")
    button = _("Refresh metadata")
    description = _("Title, description, tags, author, license and version from upstream; no files. A snapshot first.")
    mode = RefreshMode.METADATA_ONLY


class CheckCollections(_OfCollections):
    name = "check_updates"
    label = _("Check selected collections for updates")
    button = _("Check for updates")
    description = _("Tells which artifacts have other content upstream. Changes nothing else.")
    mode = RefreshMode.CHECK_ONLY


class SyncCollections(_OfCollections):
    name = "sync"
    label = _("Sync selected collections")
    button = _("Sync")
    description = _("Takes new versions of all artifacts that are not pinned. A snapshot first.")
    form = SyncForm
    mode = RefreshMode.SYNC


class PlanForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("What is planned"),
        choices=((RefreshMode.METADATA_ONLY.value, _("metadata")), (RefreshMode.SYNC.value, _("new versions"))),
        initial=RefreshMode.METADATA_ONLY.value,
    )
    strategy = SyncForm.base_fields["strategy"]


class PlanCollections(_OfCollections):
    """Looks upstream, changes nothing: the plan is then on a page of its own, with a button that applies it."""

    name = "plan"
    label = _("Plan a refresh of the selected collection")
    button = _("Plan a refresh")
    description = _("Tells what would change, artifact by artifact, as a refresh plan that can be applied.")
    form = PlanForm
    mode = RefreshMode.METADATA_ONLY
    job = plan

    def target(self, ids: Sequence[Any], options: Mapping[str, Any]) -> tuple[JobDefinition, dict[str, Any]]:
        params = self.params(ids, options)
        slugs = params.pop("slugs")
        if len(slugs) != 1:
            raise InvalidParameter("Choose one collection: a plan is of one.")
        if params["mode"] != RefreshMode.SYNC.value:
            params.pop("strategy", None)
        return self.job, {"slug": slugs[0], **params}


class RefreshArtifacts(_OfArtifacts):
    name = "refresh_metadata"
    label = _("Refresh metadata of selected artifacts")
    button = _("Refresh metadata")
    description = RefreshCollections.description
    mode = RefreshMode.METADATA_ONLY


class CheckArtifacts(_OfArtifacts):
    name = "check_updates"
    label = _("Check selected artifacts for updates")
    button = _("Check for updates")
    description = CheckCollections.description
    mode = RefreshMode.CHECK_ONLY


class SyncArtifacts(_OfArtifacts):
    name = "sync"
    label = _("Sync selected artifacts")
    button = _("Sync")
    description = _("Takes new versions of those that are not pinned. A snapshot first.")
    form = SyncForm
    mode = RefreshMode.SYNC


REFRESH_COLLECTIONS = (PlanCollections, RefreshCollections, CheckCollections, SyncCollections)
REFRESH_ARTIFACTS = (RefreshArtifacts, CheckArtifacts, SyncArtifacts)
