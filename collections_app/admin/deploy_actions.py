"""Bulk actions: deploy artifacts into a project, undeploy what is deployed. A worker does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import Count as CountOf
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.admin.deploy_badges import KIND, PROFILE
from collections_app.domain.deploy_targets import Profile
from collections_app.jobs import bulk_deploy, bulk_undeploy
from collections_app.models import Artifact, Project
from skillmeat_site.core.admin.actions import Count, JobAction
from skillmeat_site.core.admin.badges import choices


class DeployForm(forms.Form):
    project = forms.ModelChoiceField(label=_("Project"), queryset=Project.objects.order_by("name", "pk"))
    profile = forms.ChoiceField(label=_("Profile"), choices=choices(PROFILE), initial=Profile.CLAUDE_CODE.value)
    overwrite = forms.BooleanField(
        label=_("Overwrite"),
        required=False,
        help_text=_("Also where something that nobody deployed is in the way, or a deployed copy was edited."),
    )


class DeployArtifacts(JobAction):
    """For the list of artifacts: ``bulk_actions = (…, DeployArtifacts)``."""

    name = "deploy"
    label = _("Deploy selected artifacts")
    button = _("Deploy")
    description = _("Copies files into the project, merges hooks and servers into its settings. Conflicts are left.")
    permission = "collections_app.deploy_artifact"
    form = DeployForm
    job = bulk_deploy

    def params(self, ids: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "ids": [str(pk) for pk in ids],
            "project": options["project"].path,
            "profile": options["profile"],
            "overwrite": options["overwrite"],
        }

    def preview(self, request: HttpRequest, ids: Sequence[Any]) -> list[Count]:
        """How many of each type: where they go is chosen on the same page."""
        rows = Artifact.objects.filter(pk__in=list(ids)).values("type").order_by("type")
        return [
            Count(KIND[row["type"]][0] if row["type"] in KIND else row["type"], row["number"])
            for row in rows.annotate(number=CountOf("pk"))
        ]


class UndeployForm(forms.Form):
    force = forms.BooleanField(
        label=_("Force"), required=False, help_text=_("Remove also what was edited in the project since.")
    )


class UndeployDeployments(JobAction):
    name = "undeploy"
    label = _("Undeploy selected deployments")
    button = _("Undeploy")
    description = _("Removes exactly what deploying added. What was edited in a project is kept, unless forced.")
    permission = "collections_app.deploy_artifact"
    form = UndeployForm
    job = bulk_undeploy
    dangerous = True

    def params(self, ids: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": [str(pk) for pk in ids], "force": bool(options.get("force"))}

    def preview(self, request: HttpRequest, ids: Sequence[Any]) -> list[Count]:
        return self.planned(request, ids, {})


class UndeployArtifacts(UndeployDeployments):
    """For the list of artifacts: takes back every deployment of each, in all projects."""

    label = _("Undeploy selected artifacts")
    description = _("Removes the artifacts from every project. What was edited there is kept, unless forced.")

    def params(self, ids: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        deployments = Artifact.objects.filter(pk__in=list(ids)).exclude(deployments=None)
        found = deployments.order_by("deployments__pk").values_list("deployments__pk", flat=True)
        return super().params(list(found), options)
