"""Questions people ask of collections, artifacts and deployments, each with a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When

from collections_app.domain.artifact_state import ArtifactState

if TYPE_CHECKING:
    from collections_app.models import Artifact, Collection, Deployment, Project, Snapshot  # noqa: F401 - in quotes

_UNMOVED = Q(upstream_oid="") | Q(upstream_oid=F("base_oid"))
STATES: dict[ArtifactState, Q] = {
    ArtifactState.MISSING: Q(content_oid="", problem_code=""),
    ArtifactState.UNKNOWN: Q(base_oid="") | ~Q(problem_code=""),
    ArtifactState.IN_SYNC: Q(content_oid=F("upstream_oid")) | (Q(content_oid=F("base_oid")) & Q(upstream_oid="")),
    ArtifactState.LOCALLY_MODIFIED: _UNMOVED,
    ArtifactState.UPDATE_AVAILABLE: Q(content_oid=F("base_oid")),
}
"""The first that applies; none: CONFLICT. The same table as ``domain.artifact_state`` (tested over all cases)."""


def has_update(prefix: str = "") -> Q:
    """Of artifacts that are not pinned: upstream has content of its own that they do not have.

    The rows that a check counts as ``updates_available``: UPDATE_AVAILABLE and CONFLICT (tested over all cases).
    """

    def column(name: str) -> str:
        return prefix + name

    known = [column(name) for name in ("content_oid", "base_oid", "upstream_oid")]
    there = Q(*(~Q(**{name: ""}) for name in known))
    new = ~Q(**{column("upstream_oid"): F(column("base_oid"))}) & ~Q(
        **{column("upstream_oid"): F(column("content_oid"))}
    )
    return there & new & Q(**{column("problem_code"): "", column("pin"): ""})


class CollectionQuerySet(QuerySet["Collection"]):
    def for_user(self, user: Any) -> CollectionQuerySet:
        """The collections this user may see. Today all; the place to narrow ownership later."""
        return self

    def for_list(self) -> CollectionQuerySet:
        updates = Count("artifacts", filter=has_update("artifacts__"))
        return self.annotate(artifact_count=Count("artifacts"), updates_available=updates)

    def update_available(self, wanted: bool = True) -> CollectionQuerySet:
        """Those that hold an artifact with an update, or those that hold none."""
        artifacts = self._with_updates()
        return self.filter(artifacts) if wanted else self.exclude(artifacts)

    def _with_updates(self) -> Exists:
        rows = apps.get_model("collections_app", "Artifact")._default_manager.filter(has_update())
        return Exists(rows.filter(collection=OuterRef("pk")))


class ArtifactQuerySet(QuerySet["Artifact"]):
    def for_user(self, user: Any) -> ArtifactQuerySet:
        """The artifacts this user may see. Today all; the place to narrow ownership later."""
        return self

    def for_list(self) -> ArtifactQuerySet:
        return self.with_state().select_related("collection").prefetch_related("deployments")

    def with_state(self) -> ArtifactQuerySet:
        whens = [When(condition, then=Value(state.value)) for state, condition in STATES.items()]
        return self.annotate(state=Case(*whens, default=Value(ArtifactState.CONFLICT.value), output_field=CharField()))

    def update_available(self, wanted: bool = True) -> ArtifactQuerySet:
        """Those that upstream has other content of, pinned ones excepted; or the others."""
        return self.filter(has_update()) if wanted else self.exclude(has_update())

    def outlasting_files(self) -> ArtifactQuerySet:
        """Those whose row stays when record and files are gone: they were imported, or are deployed."""
        return self.filter(~Q(base_oid="") | Q(deployments__isnull=False)).distinct()

    def in_state(self, *states: str) -> ArtifactQuerySet:
        return self.with_state().filter(Q(state__in=states))


class ProjectQuerySet(QuerySet["Project"]):
    def for_user(self, user: Any) -> ProjectQuerySet:
        """The projects this user may see. Today all; the place to narrow ownership later."""
        return self

    def for_list(self) -> ProjectQuerySet:
        """With what the project cache last read of each: its row hangs on the project's own ("cached")."""
        counted = self.annotate(deployment_count=Count("deployments"))
        return counted.select_related("cached").prefetch_related("deployments")


class DeploymentQuerySet(QuerySet["Deployment"]):
    def for_user(self, user: Any) -> DeploymentQuerySet:
        """The deployments this user may see. Today all; the place to narrow ownership later."""
        return self

    def for_list(self) -> DeploymentQuerySet:
        return self.select_related("project", "artifact__collection")


class SnapshotQuerySet(QuerySet["Snapshot"]):
    def for_user(self, user: Any) -> SnapshotQuerySet:
        """The snapshots this user may see. Today all; the place to narrow ownership later."""
        return self

    def for_list(self) -> SnapshotQuerySet:
        return self.select_related("collection")
