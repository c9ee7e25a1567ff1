"""The overview's panel of collections."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collections_app.admin.badges import STATE
from collections_app.domain.advice import Need, collection_needs
from collections_app.domain.artifact_state import ArtifactState
from collections_app.models import Artifact, Collection
from collections_app.services.overview import tally_collections
from skillmeat_site.core.admin.display import changelist_url
from skillmeat_site.core.admin.figures import word_figures
from skillmeat_site.core.admin.sight import list_url
from skillmeat_site.core.advice import Advice
from skillmeat_site.core.overview import Figure, Link, Panel, Suggestion, panel


@panel("collections", permission="collections_app.view_artifact", order=30)
def collections(request: HttpRequest) -> Panel | None:
    tally = tally_collections(request.user)
    if not tally.collections:
        return None
    return Panel(
        _("Collections"),
        lead=word_figures(Artifact, "state", STATE, tally.states),
        more=[Figure(_("collections"), tally.collections, list_url(request, Collection))],
        link=Link(changelist_url(Artifact), _("All artifacts")),
        empty=_("No artifact is in a collection yet: import some from the catalog."),
        suggestions=[_suggestion(one) for one in collection_needs(tally.facts)],
    )


def _suggestion(advice: Advice) -> Suggestion:
    rows = advice.rows
    if advice.kind == Need.REPAIR:
        title = ngettext("%d collection cannot be read", "%d collections cannot be read", rows) % rows
        why = _("Nothing is imported into it or refreshed before its file is corrected, or a snapshot restored.")
        link = Link(changelist_url(Collection, problem="yes"), _("See why"))
        return Suggestion(
            advice, title, why, link, ["collections_app.view_collection", "collections_app.refresh_collection"]
        )
    if advice.kind == Need.MISSING:
        title = ngettext("%d artifact has lost its files", "%d artifacts have lost their files", rows) % rows
        why = _("They stand in the collection's record. Re-import or remove them, or restore a snapshot.")
        link = Link(changelist_url(Artifact, state=ArtifactState.MISSING.value), _("See which"))
        return Suggestion(advice, title, why, link, ["collections_app.delete_artifact"])
    title = ngettext("%d artifact is in conflict", "%d artifacts are in conflict", rows) % rows
    why = _("Edited here and changed upstream. Select them and choose Sync: merge, keep ours or take theirs.")
    link = Link(changelist_url(Artifact, state=ArtifactState.CONFLICT.value), _("Settle"))
    return Suggestion(advice, title, why, link, ["collections_app.refresh_collection"])
