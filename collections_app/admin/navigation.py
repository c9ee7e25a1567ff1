"""Where the pages of collections and projects stand."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from collections_app.models import Artifact, Collection, Deployment, Project, RefreshPlan, Snapshot
from skillmeat_site.core.navigation import section

section("collections", _("Collections"), Collection, Artifact, RefreshPlan, Snapshot, order=20)
section("projects", _("Projects and deployments"), Project, Deployment, order=30)
