"""Collections: made and renamed through their service, everything else by actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from collections_app.admin.collection_actions import DeleteCollections, IndexCollections, SnapshotCollections
from collections_app.admin.filters import ProblemFilter, UpdateFilter
from collections_app.admin.refresh_actions import REFRESH_COLLECTIONS
from collections_app.admin.timeline_page import TimelinePages
from collections_app.models import Artifact, Collection
from collections_app.services.collections import create_collection, rename_collection
from skillmeat_site.core.admin.actions import BulkAction
from skillmeat_site.core.admin.base import actor_of
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.changelist import View
from skillmeat_site.core.admin.display import EMPTY, ago, changelist_url, link, paragraphs, shortened
from skillmeat_site.core.admin.hints import hint
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.admin.services import ServiceAdmin
from skillmeat_site.core.reporting import SilentReport

show_objects("collection", Collection, by="slug")

SEEN = (
    "shown_problem", "shown_artifacts", "shown_updates", "revision", "shown_indexed", "shown_created", "owner",
)  # fmt: skip


@admin.register(Collection)
class CollectionAdmin(TimelinePages, BulkActionsAdmin, ServiceAdmin):
    bulk_actions: ClassVar[Sequence[type[BulkAction]]] = (
        *REFRESH_COLLECTIONS,
        SnapshotCollections,
        IndexCollections,
        DeleteCollections,
    )
    writes_files = True
    list_display = (
        "shown_name", "shown_count", "shown_updates", "shown_problem_code", "revision", "shown_indexed",
        "shown_updated",
    )  # fmt: skip
    views = (
        View(_("Updates available"), {"update_available": "yes"}),
        View(_("With a problem"), {"problem": "yes"}),
    )
    empty_text = _("Importing makes the first one. Or add one here.")
    list_filter = (UpdateFilter, ProblemFilter)
    ordering = ("slug",)
    search_fields = ("slug", "name")
    search_help_text = _("Search by name.")
    sortable_by = ("shown_name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        return Collection.objects.for_user(request.user).for_list()

    def get_fieldsets(self, request: HttpRequest, obj: Collection | None = None) -> Any:
        said = (None, {"fields": ("slug", "name")})
        return (said,) if obj is None else (said, (_("What is in it"), {"fields": SEEN}))

    def get_readonly_fields(self, request: HttpRequest, obj: Collection | None = None) -> tuple[str, ...]:
        return () if obj is None else ("slug", *SEEN)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deleting is an action: it moves a folder, and may be forced."""
        return False

    def save_model(self, request: HttpRequest, obj: Collection, form: Any, change: bool) -> None:
        if change:
            rename_collection(Collection.objects.get(pk=obj.pk), name=obj.name, actor=actor_of(request))
            return
        made = create_collection(obj.slug, name=obj.name, actor=actor_of(request), report=SilentReport())
        obj.pk = made.pk
        obj.refresh_from_db(from_queryset=Collection.objects.all())

    def page_actions(self, row: Collection) -> Sequence[type[BulkAction]]:
        return self.bulk_actions

    @admin.display(description=_("collection"), ordering="slug")
    def shown_name(self, collection: Collection) -> str:
        if not collection.name:
            return shortened(collection.slug)
        return format_html("{}<br><small>{}</small>", shortened(collection.slug), shortened(collection.name))

    @admin.display(description=_("artifacts"))
    def shown_count(self, collection: Any) -> str:
        return link(changelist_url(Artifact, collection=collection.pk), str(collection.artifact_count))

    @admin.display(description=_("artifacts"))
    def shown_artifacts(self, collection: Any) -> str:
        return self.shown_count(collection)

    @admin.display(description=_("updates"))
    def shown_updates(self, collection: Any) -> str:
        """When they were last checked; pinned ones are none."""
        if not collection.updates_available:
            return EMPTY
        url = changelist_url(Artifact, collection=collection.pk, update_available="yes")
        return link(url, str(collection.updates_available))

    @admin.display(description=_("problem"))
    def shown_problem_code(self, collection: Collection) -> str:
        return format_html("<code>{}</code>", collection.problem_code) if collection.problem_code else EMPTY

    @admin.display(description=_("problem"))
    def shown_problem(self, collection: Collection) -> str:
        if not collection.problem_code:
            return EMPTY
        detail = collection.problem_detail
        advice = hint(collection.problem_code, detail)
        return format_html("{} {}{}", self.shown_problem_code(collection), paragraphs(detail), advice)

    @admin.display(description=_("indexed"), ordering="indexed_at")
    def shown_indexed(self, collection: Collection) -> str:
        return ago(collection.indexed_at)

    @admin.display(description=_("changed"), ordering="updated_at")
    def shown_updated(self, collection: Collection) -> str:
        return ago(collection.updated_at)

    @admin.display(description=_("made"))
    def shown_created(self, collection: Collection) -> str:
        return ago(collection.created_at)
