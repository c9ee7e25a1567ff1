"""Bulk actions: deploy artifacts into a project, undeploy what is deployed. A worker does the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.admin.deploy_badges import KIND, PROFILE
from collections_app.domain.deploy_targets import Profile
from collections_app.jobs import bulk_deploy, bulk_undeploy
from collections_app.models import Artifact, Deployment, Project
from skillmeat_site.core.admin.actions import JobAction, Options
from skillmeat_site.core.admin.badges import Words, choices
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.fields import find_by_typing
from skillmeat_site.core.admin.previews import Preview, estimate

AT_ONCE = 50
"""So many targets are looked at on disk while a page is waited for."""
LOOKED_AT: Words = {"look": (_("will be looked at, and removed unless they were edited"), Tone.INFO)}
DISKS = _("The disks of collections and projects were not looked at.")


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
    form = DeployForm
    job = bulk_deploy
    exact_up_to = AT_ONCE

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
        return {
            "ids": [str(pk) for pk in ids],
            "project": options["project"].path,
            "profile": options["profile"],
            "overwrite": options["overwrite"],
        }

    def options_form(self, request: HttpRequest, data: Any = None) -> forms.Form:
        form = super().options_form(request, data)
        projects: Any = form.fields["project"]
        projects.queryset = Project.objects.for_user(request.user).order_by("name", "pk")
        find_by_typing(projects, Deployment._meta.get_field("project"))
        return form

    def estimate(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        """How many of each type: where they go is chosen on the same page."""
        types = dict(Artifact.objects.filter(pk__among=list(ids)).values_list("pk", "type"))
        by_id = {str(pk): type_ for pk, type_ in types.items()}
        return estimate("artifact", ids, lambda pk: by_id.get(str(pk), ""), words=KIND, note=DISKS)


class UndeployForm(forms.Form):
    force = forms.BooleanField(
        label=_("Force"), required=False, help_text=_("Remove also what was edited in the project since.")
    )


class UndeployDeployments(JobAction):
    name = "undeploy"
    label = _("Undeploy selected deployments")
    button = _("Undeploy")
    description = _("Removes exactly what deploying added. What was edited in a project is kept, unless forced.")
    form = UndeployForm
    job = bulk_undeploy
    exact_up_to = AT_ONCE
    dangerous = True

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
        return {"ids": [str(pk) for pk in ids], "force": bool(options.get("force"))}

    def estimate(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        return estimate("deployment", ids, lambda pk: "look", words=LOOKED_AT, note=DISKS)


class UndeployArtifacts(UndeployDeployments):
    """For the list of artifacts: takes back every deployment of each, in all projects."""

    label = _("Undeploy selected artifacts")
    description = _("Removes the artifacts from every project. What was edited there is kept, unless forced.")

    def chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        artifacts = list(queryset.values_list("pk", flat=True))
        return Deployment.objects.for_user(request.user).filter(artifact__pk__among=artifacts).order_by("pk")

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return Deployment.objects.for_user(request.user)
