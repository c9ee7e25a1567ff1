"""Bulk actions: refresh metadata, check for updates, sync; of collections and of single artifacts. A worker does it.

For the lists of both: ``bulk_actions = (…, *REFRESH_COLLECTIONS)`` and ``(…, *REFRESH_ARTIFACTS)``. Upstream is not
asked before it is confirmed: the preview counts what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.refresh_options import RefreshMode, Strategy
from collections_app.jobs import bulk_refresh, refresh, refresh_artifacts
from collections_app.models import Artifact
from collections_app.querysets import ArtifactQuerySet
from collections_app.refresh_jobs import plan
from skillmeat_site.core.admin.actions import JobAction, Options
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.previews import Preview, estimate
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.core.jobs.registry import JobDefinition

STRATEGIES = (
    (Strategy.ABORT.value, _("leave them as they are")),
    (Strategy.MERGE.value, _("merge; leave those in which both sides changed the same")),
    (Strategy.OURS.value, _("merge; of what both sides changed, keep ours")),
    (Strategy.THEIRS.value, _("merge; of what both sides changed, take theirs")),
)

KNOWN: Words = {
    ArtifactState.UPDATE_AVAILABLE: (_("had an update when they were last looked up"), Tone.INFO),
    ArtifactState.CONFLICT: (_("were edited here and had changed upstream"), Tone.WARNING),
    ArtifactState.LOCALLY_MODIFIED: (_("were edited here; upstream had not changed"), Tone.QUIET),
    ArtifactState.IN_SYNC: (_("were current"), Tone.QUIET),
    ArtifactState.MISSING: (_("have lost their files"), Tone.WARNING),
    ArtifactState.UNKNOWN: (_("were never looked up"), Tone.QUIET),
    "pinned": (_("are pinned: they will be skipped"), Tone.QUIET),
    "local": (_("have no upstream: they will be skipped"), Tone.QUIET),
}


class SyncForm(forms.Form):
    strategy = forms.ChoiceField(
        label=_("Artifacts that were edited here and changed upstream"),
        choices=STRATEGIES,
        initial=Strategy.ABORT.value,
    )


class _Refresh(JobAction):
    exact_up_to = 0
    mode: ClassVar[RefreshMode]

    def artifacts(self, ids: Sequence[Any]) -> ArtifactQuerySet:
        """The artifacts that are meant."""
        raise NotImplementedError

    def estimate(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        """Of each artifact how it stood when it was last looked up."""
        rows: QuerySet[Any] = self.artifacts(ids).with_state().order_by("collection__slug", "type", "name", "pk")
        found = {str(row[0]): row for row in rows.values_list("pk", "upstream_url", "pin", "state")}
        return estimate(
            "artifact",
            found,
            lambda pk: _fate(self.mode, *found[pk][1:]),
            words=KNOWN,
            note=_("The repositories were not asked: this is what was known when they were last."),
        )


def _fate(mode: RefreshMode, upstream_url: str, pin: str, state: str) -> str:
    if not upstream_url:
        return "local"
    return "pinned" if pin and mode is RefreshMode.SYNC else state


class _OfCollections(_Refresh):
    job = bulk_refresh
    key = "slug"

    def artifacts(self, ids: Sequence[Any]) -> ArtifactQuerySet:
        return Artifact.objects.filter(collection__slug__among=list(ids))

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
        return {"slugs": list(ids), "mode": self.mode.value, **options}

    def target(self, ids: Sequence[Any], options: Options) -> tuple[JobDefinition, dict[str, Any]]:
        """A single collection is a job of its own, whose rows are its artifacts."""
        params = self.params(ids, options)
        slugs = params.pop("slugs")
        return (refresh, {"slug": slugs[0], **params}) if len(slugs) == 1 else super().target(ids, options)


class _OfArtifacts(_Refresh):
    job = refresh_artifacts

    def artifacts(self, ids: Sequence[Any]) -> ArtifactQuerySet:
        return Artifact.objects.filter(pk__among=list(ids))

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
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
    plannable = False

    def estimate(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        self._only(ids)
        return super().estimate(request, ids, options)

    def target(self, ids: Sequence[Any], options: Options) -> tuple[JobDefinition, dict[str, Any]]:
        slug, params = self._only(ids), self.params(ids, options)
        params.pop("slugs")
        if params["mode"] != RefreshMode.SYNC.value:
            params.pop("strategy", None)
        return self.job, {"slug": slug, **params}

    def _only(self, ids: Sequence[Any]) -> str:
        if len(ids) != 1:
            raise InvalidParameter("Choose one collection: a plan is of one.")
        return str(ids[0])


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
