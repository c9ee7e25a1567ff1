"""Artifacts: what the index knows, and what lies in the folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from collections_app.admin.artifact_actions import (
    PinArtifacts,
    RemoveArtifacts,
    TagArtifacts,
    TitleArtifacts,
    UnpinArtifacts,
)
from collections_app.admin.artifact_page import ArtifactPages
from collections_app.admin.badges import KIND, ORIGIN, STATE
from collections_app.admin.deploy_actions import DeployArtifacts, UndeployArtifacts
from collections_app.admin.filters import (
    CollectionFilter,
    OriginFilter,
    PinnedFilter,
    ProblemFilter,
    StateFilter,
    TypeFilter,
    UpdateFilter,
)
from collections_app.admin.refresh_actions import REFRESH_ARTIFACTS
from collections_app.models import Artifact
from skillmeat_site.core.admin.actions import BulkAction
from skillmeat_site.core.admin.badges import word_badge
from skillmeat_site.core.admin.base import ReadOnlyAdmin
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.changelist import View
from skillmeat_site.core.admin.display import EMPTY, ago, paragraphs, pretty_json, row_link, shortened
from skillmeat_site.core.admin.hints import hint
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.text import printable

show_objects("artifact", Artifact)


@admin.register(Artifact)
class ArtifactAdmin(ArtifactPages, BulkActionsAdmin, ReadOnlyAdmin):
    bulk_actions: ClassVar[Sequence[type[BulkAction]]] = (
        *REFRESH_ARTIFACTS,
        PinArtifacts,
        UnpinArtifacts,
        TagArtifacts,
        TitleArtifacts,
        RemoveArtifacts,
        DeployArtifacts,
        UndeployArtifacts,
    )
    ordering = ("collection_id", "name", "id")  # has an index
    list_display = (
        "shown_name", "shown_type", "shown_state", "shown_collection", "shown_pin", "shown_tags", "shown_changed",
    )  # fmt: skip
    views = (
        View(_("Updates available"), {"update_available": "yes"}),
        View(_("Edited here"), {"state": "locally_modified"}),
        View(_("In conflict"), {"state": "conflict"}),
        View(_("Missing"), {"state": "missing"}),
        View(_("Pinned"), {"pinned": "yes"}),
        View(_("With a problem"), {"problem": "yes"}),
    )
    empty_text = _("Import entries of the catalog, or adopt a collection that you have.")
    list_filter = (
        CollectionFilter, TypeFilter, StateFilter, UpdateFilter, PinnedFilter, OriginFilter, ProblemFilter,
    )  # fmt: skip
    search_fields = ("name", "title", "description", "path", "tags")
    search_help_text = _("Search by name, title, description, path or tag.")
    sortable_by = ("shown_name",)
    fieldsets = (
        (None, {"fields": (
            "shown_name", "shown_type", "shown_state", "shown_title", "shown_description", "shown_tags", "shown_pin",
            "shown_collection", "shown_path",
        )}),
        (_("Where it comes from"), {"fields": (
            "shown_origin", "shown_upstream", "base_commit", "base_oid", "content_oid", "upstream_oid",
            "shown_checked", "shown_problem", "shown_metadata", "shown_changed",
        )}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Artifact]:
        return Artifact.objects.for_user(request.user).with_state().select_related("collection")

    def get_readonly_fields(self, request: HttpRequest, obj: Artifact | None = None) -> list[str]:
        return flatten_fieldsets(self.fieldsets)

    def page_actions(self, row: Artifact) -> Sequence[type[BulkAction]]:
        idle: dict[type[BulkAction], bool] = {
            UnpinArtifacts: not row.pin,
            UndeployArtifacts: not row.deployments.all(),
        }
        return [kind for kind in self.bulk_actions if not idle.get(kind)]

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, artifact: Artifact) -> str:
        return shortened(artifact.name)

    @admin.display(description=_("type"))
    def shown_type(self, artifact: Artifact) -> str:
        return word_badge(KIND, artifact.type)

    @admin.display(description=_("state"))
    def shown_state(self, artifact: Artifact) -> str:
        return word_badge(STATE, artifact.state)

    @admin.display(description=_("collection"))
    def shown_collection(self, artifact: Artifact) -> str:
        return row_link(artifact.collection)

    @admin.display(description=_("path"))
    def shown_path(self, artifact: Artifact) -> str:
        return printable(artifact.path)

    @admin.display(description=_("pin"))
    def shown_pin(self, artifact: Artifact) -> str:
        if not artifact.pin:
            return EMPTY
        return format_html("<code>{}</code> {}", shortened(artifact.pin, 40), shortened(artifact.pin_reason))

    @admin.display(description=_("tags"))
    def shown_tags(self, artifact: Artifact) -> str:
        return shortened(", ".join(map(str, artifact.tags)))

    @admin.display(description=_("changed"))
    def shown_changed(self, artifact: Artifact) -> str:
        return ago(artifact.updated_at)

    @admin.display(description=_("title"))
    def shown_title(self, artifact: Artifact) -> str:
        return printable(artifact.title) or EMPTY

    @admin.display(description=_("description"))
    def shown_description(self, artifact: Artifact) -> str:
        return paragraphs(artifact.description)

    @admin.display(description=_("origin"))
    def shown_origin(self, artifact: Artifact) -> str:
        return word_badge(ORIGIN, artifact.origin)

    @admin.display(description=_("upstream"))
    def shown_upstream(self, artifact: Artifact) -> str:
        said = (artifact.upstream_url, artifact.upstream_ref, artifact.upstream_path)
        return printable(" · ".join(part for part in said if part)) or EMPTY

    @admin.display(description=_("last checked"))
    def shown_checked(self, artifact: Artifact) -> str:
        code = format_html(" <code>{}</code>", artifact.check_code) if artifact.check_code else ""
        return format_html("{}{}", ago(artifact.checked_at), code)

    @admin.display(description=_("problem"))
    def shown_problem(self, artifact: Artifact) -> str:
        if not artifact.problem_code:
            return EMPTY
        code, detail = artifact.problem_code, artifact.problem_detail
        return format_html("<code>{}</code> {}{}", code, paragraphs(detail), hint(code, detail))

    @admin.display(description=_("metadata"))
    def shown_metadata(self, artifact: Artifact) -> str:
        return pretty_json(artifact.metadata)
