"""Projects: registered and forgotten through their service. Nothing here touches a project's disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from collections_app.admin.deploy_badges import PROJECT_STATUS, STATE
from collections_app.models import Deployment, Project
from collections_app.services.drift import drift_of
from collections_app.services.projects import forget_project, project_status, register_project
from skillmeat_site.core.admin.badges import word_badge
from skillmeat_site.core.admin.base import actor_of
from skillmeat_site.core.admin.display import EMPTY, ago, changelist_url, link, shortened
from skillmeat_site.core.admin.history import History
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.admin.services import ServiceAdmin
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.text import printable

show_objects("project", Project)

SHOWN = ("shown_path", "shown_name", "shown_status", "shown_drift", "shown_deployments", "shown_since")


@admin.register(Project)
class ProjectAdmin(ServiceAdmin):
    history = History.EVENTS
    list_display = ("shown_name", "shown_path", "shown_status", "shown_deployments", "shown_since")
    ordering = ("name", "id")
    search_fields = ("name", "path")
    search_help_text = _("Search by name or path.")
    sortable_by = ("shown_name", "shown_path")
    fields = ("path", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return Project.objects.for_user(request.user).for_list()

    def get_fields(self, request: HttpRequest, obj: Project | None = None) -> Any:
        return SHOWN if obj else ("path", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> tuple[str, ...]:
        return SHOWN

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        fields = form.cleaned_data
        made = register_project(fields["path"], name=fields["name"], actor=actor_of(request), report=SilentReport())
        obj.pk = made.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        forget_project(obj, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in queryset:
            forget_project(project, actor=actor_of(request))

    def get_deleted_objects(
        self, objs: QuerySet[Project] | Sequence[Project], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Counts instead of names; deployments go from the database only."""
        projects = list(objs)
        deployments = Deployment.objects.filter(project__in=projects).count()
        counts = {_t("projects"): len(projects), _t("records of deployments (the files stay)"): deployments}
        return [printable(str(project)) for project in projects], counts, set(), []

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, project: Project) -> str:
        return shortened(project.name)

    @admin.display(description=_("path"), ordering="path")
    def shown_path(self, project: Project) -> str:
        return shortened(project.path)

    @admin.display(description=_("folder"))
    def shown_status(self, project: Project) -> str:
        return word_badge(PROJECT_STATUS, project_status(project))

    @admin.display(description=_("deployments"))
    def shown_deployments(self, project: Any) -> str:
        return link(changelist_url(Deployment, project=project.pk), str(project.deployment_count))

    @admin.display(description=_("states"))
    def shown_drift(self, project: Project) -> str:
        try:
            summary = drift_of(project).summary
        except DomainError:
            return EMPTY
        found = ((word_badge(STATE, state), number) for state, number in summary.items() if number and state in STATE)
        return format_html_join(" ", '<span class="sm-nowrap">{} {}</span>', found) or EMPTY

    @admin.display(description=_("registered"))
    def shown_since(self, project: Project) -> str:
        return ago(project.created_at)
