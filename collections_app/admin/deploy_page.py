"""A deployed copy beside what it came from."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from collections_app.admin.compare_page import comparison_parts
from collections_app.models import Deployment
from collections_app.services.sides import (
    AS_DEPLOYED,
    COLLECTION,
    Side,
    as_deployed_side,
    base_side,
    collection_side,
    deployed_side,
)
from collections_app.services.upstream_sides import upstream_side
from skillmeat_site.core.admin.subpages import SubPagesAdmin
from skillmeat_site.core.reporting import PageReport


class DeploymentPages(SubPagesAdmin):
    sub_pages = (("compare", _("Compare")),)

    def compare_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.shown_row(request, object_id)
        sides = [*_came_from(request, row), deployed_side(row)]
        preferred = ((AS_DEPLOYED, str(row.pk)), (COLLECTION, str(row.pk)))
        return self.sub_page(request, row, _("Compare"), parts=comparison_parts(request, sides, preferred))


def _came_from(request: HttpRequest, row: Deployment) -> list[Side]:
    """The artifact's own sides, for who may look at artifacts; none once it was removed."""
    artifact = row.artifact
    if artifact is None or not request.user.has_perm("collections_app.view_artifact"):
        return []
    found = (
        base_side(artifact), upstream_side(artifact, PageReport()), collection_side(artifact), as_deployed_side(row),
    )  # fmt: skip
    return [side for side in found if side is not None]
