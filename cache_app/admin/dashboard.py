"""The overview's panel of projects and what was deployed into them."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cache_app.domain.advice import Need, project_needs
from cache_app.services.overview import tally_projects
from collections_app.admin.deploy_badges import STATE
from collections_app.admin.deploy_deployments import ANY_DRIFT
from collections_app.domain.drift import DriftState
from collections_app.models import Deployment, Project
from skillmeat_site.core.admin.display import Tone, ago, changelist_url
from skillmeat_site.core.admin.figures import word_figures
from skillmeat_site.core.admin.sight import list_url
from skillmeat_site.core.advice import Advice
from skillmeat_site.core.overview import Figure, Link, Panel, Suggestion, panel


@panel("projects", permission="collections_app.view_deployment", order=40)
def projects(request: HttpRequest) -> Panel | None:
    tally = tally_projects(request.user)
    if not tally.projects:
        return None
    more = [
        Figure(_("projects"), tally.projects, list_url(request, Project)),
        Figure(_("cannot be read"), tally.unreadable, list_url(request, Project, reading="error"), Tone.BAD),
        Figure(_("reading no longer holds"), tally.stale, list_url(request, Project, reading="stale"), Tone.WARNING),
    ]
    age = format_html("{} {}", _("As read from the projects, the oldest reading:"), ago(tally.oldest))
    return Panel(
        _("Deployments"),
        lead=word_figures(Deployment, "state", STATE, tally.states),
        more=[one for one in more if one.rows],
        note=age if tally.oldest else "",
        link=Link(changelist_url(Deployment), _("All deployments")),
        empty=_("Nothing is deployed, as far as was read: select artifacts and choose Deploy."),
        suggestions=[_suggestion(one) for one in project_needs(tally.facts)],
    )


def _suggestion(advice: Advice) -> Suggestion:
    rows = advice.rows
    if advice.kind == Need.UNREADABLE:
        title = ngettext("%d project cannot be read", "%d projects cannot be read", rows) % rows
        why = _("Its folder is gone, or may not be looked at. Bring it back, or forget the project.")
        link = Link(changelist_url(Project, reading="error"), _("See why"))
        return Suggestion(advice, title, why, link, ["collections_app.view_project", "collections_app.delete_project"])
    if advice.kind == Need.DRIFT:
        title = ngettext("%d deployment has drifted", "%d deployments have drifted", rows) % rows
        why = _("Edited in its project, or gone from there, since it was deployed.")
        link = Link(changelist_url(Deployment, state=ANY_DRIFT), _("See which"))
        return Suggestion(advice, title, why, link, ["collections_app.deploy_artifact"])
    if advice.kind == Need.OUTDATED:
        title = ngettext("%d deployment is outdated", "%d deployments are outdated", rows) % rows
        why = _("The collection has something newer. Deploy it again.")
        link = Link(changelist_url(Deployment, state=DriftState.OUTDATED.value), _("See which"))
        return Suggestion(advice, title, why, link, ["collections_app.deploy_artifact"])
    title = ngettext("%d project was not read lately", "%d projects were not read lately", rows) % rows
    why = _("What is said of its deployments may be old. Select and choose Refresh cache.")
    link = Link(changelist_url(Project, reading="stale"), _("Choose"))
    return Suggestion(advice, title, why, link, ["collections_app.view_project", "cache_app.change_projectstate"])
