"""Deployments: what is where, and how it fares. Read-only but for undeploying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.admin.deploy_actions import UndeployDeployments
from collections_app.admin.deploy_badges import KIND, PROFILE, STATE
from collections_app.admin.deploy_page import DeploymentPages
from collections_app.domain.drift import DRIFTED
from collections_app.models import Artifact, Deployment, Project
from collections_app.services.drift import states_of
from skillmeat_site.core.admin.actions import BulkAction
from skillmeat_site.core.admin.badges import word_badge
from skillmeat_site.core.admin.base import ReadOnlyAdmin
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.changelist import View
from skillmeat_site.core.admin.display import EMPTY, Tone, ago, pretty_json, row_link, shortened
from skillmeat_site.core.admin.filters import PickedFilter, WordFilter
from skillmeat_site.core.admin.objects import show_objects

show_objects("deployment", Deployment, related=("project",))

ANY_DRIFT = "drifted"
"""Stands in the query for the states of ``domain.drift.DRIFTED``."""


class KindFilter(WordFilter):
    title = _("type")
    parameter_name = facet = "type"
    words = KIND


class ProfileFilter(WordFilter):
    title = _("profile")
    parameter_name = facet = "profile"
    words = PROFILE


class StateFilter(WordFilter):
    """Looks at the disk of every deployment."""

    title = _("state")
    parameter_name = "state"
    words = {ANY_DRIFT: (_("drifted: modified, in conflict or missing"), Tone.WARNING), **STATE}

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        states = states_of(queryset)
        return queryset.filter(pk__among=[pk.hex for pk, state in states.items() if is_asked(state.value, value)])


def is_asked(state: str, value: str) -> bool:
    """Whether a deployment in this state is one that the option means."""
    return state in DRIFTED if value == ANY_DRIFT else state == value


class ProjectFilter(PickedFilter):
    title = _("project")
    parameter_name = "project"
    related = Project


class ArtifactFilter(PickedFilter):
    title = _("artifact")
    parameter_name = "artifact"
    related = Artifact


@admin.register(Deployment)
class DeploymentAdmin(DeploymentPages, BulkActionsAdmin, ReadOnlyAdmin):
    bulk_actions = (UndeployDeployments,)
    list_display = (
        "shown_name", "shown_kind", "shown_state", "shown_project", "shown_profile", "shown_target", "shown_when",
    )  # fmt: skip
    # Not counted: that would look at every disk, with every page.
    views = (
        View(_("Drifted"), {"state": ANY_DRIFT}, counted=False),
        View(_("Outdated"), {"state": "outdated"}, counted=False),
        View(_("Edited in the project"), {"state": "modified"}, counted=False),
        View(_("Missing"), {"state": "missing"}, counted=False),
    )
    empty_text = _("Select artifacts, and deploy them into a project.")
    # The state comes last: disks are looked at for what the others leave.
    list_filter = (KindFilter, ProfileFilter, ProjectFilter, ArtifactFilter, StateFilter)
    search_fields = ("name", "target", "project__name")
    search_help_text = _("Search by name, target or project.")
    sortable_by = ("shown_name", "shown_when")
    fields = (
        "shown_name", "shown_kind", "shown_state", "shown_artifact", "shown_collection", "shown_project",
        "shown_profile", "shown_target", "content_oid", "shown_keys", "shown_when",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return Deployment.objects.for_user(request.user).for_list()

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        states = states_of(rows)
        for row in rows:
            row.state = states[row.pk]

    def page_actions(self, row: Deployment) -> Sequence[type[BulkAction]]:
        return (UndeployDeployments,)

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, row: Deployment) -> str:
        return shortened(row.name)

    @admin.display(description=_("type"))
    def shown_kind(self, row: Deployment) -> str:
        return word_badge(KIND, row.type)

    @admin.display(description=_("state"))
    def shown_state(self, row: Any) -> str:
        state = row.state if hasattr(row, "state") else states_of([row])[row.pk]
        return word_badge(STATE, state)

    @admin.display(description=_("artifact"))
    def shown_artifact(self, row: Deployment) -> str:
        return (
            row_link(row.artifact)
            if row.artifact and self.has_artifact_page()
            else shortened(str(row.artifact or EMPTY))
        )

    @admin.display(description=_("collection"))
    def shown_collection(self, row: Deployment) -> str:
        return shortened(row.collection_slug)

    @admin.display(description=_("project"))
    def shown_project(self, row: Deployment) -> str:
        return row_link(row.project)

    @admin.display(description=_("profile"))
    def shown_profile(self, row: Deployment) -> str:
        return word_badge(PROFILE, row.profile)

    @admin.display(description=_("target"))
    def shown_target(self, row: Deployment) -> str:
        return shortened(row.target)

    @admin.display(description=_("keys of the merged file"))
    def shown_keys(self, row: Deployment) -> str:
        return pretty_json([f"{key['section']}: {key['label']}" for key in row.ownership.get("keys", [])])

    @admin.display(description=_("deployed"), ordering="deployed_at")
    def shown_when(self, row: Deployment) -> str:
        return ago(row.deployed_at)

    def has_artifact_page(self) -> bool:
        return self.admin_site.is_registered(Artifact)
