"""Catalog entries: what scans found. Read-only but for the user's own decision, exclude or restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from marketplace.admin.badges import BASIS, STATUS, TYPE
from marketplace.admin.entry_actions import ExcludeEntries, RestoreEntries
from marketplace.admin.entry_filters import (
    BasisFilter,
    ConfidenceFilter,
    PresenceFilter,
    ShowFilter,
    SourceFilter,
    StatusFilter,
    TypeFilter,
    UpdateFilter,
)
from marketplace.admin.entry_page import EntryPages
from marketplace.admin.import_actions import ImportEntries, ReimportEntries
from marketplace.models import CatalogEntry, EntryImport
from marketplace.services.import_choice import why_not_importable
from skillmeat_site.core.admin.actions import BulkAction
from skillmeat_site.core.admin.badges import word_badge
from skillmeat_site.core.admin.base import ReadOnlyAdmin
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.changelist import View
from skillmeat_site.core.admin.display import (
    EMPTY,
    Tone,
    ago,
    badge,
    link,
    paragraphs,
    pretty_json,
    row_link,
    shortened,
)
from skillmeat_site.core.admin.objects import object_url, show_objects
from skillmeat_site.core.admin.telling import tell_once
from skillmeat_site.core.text import printable

show_objects("entry", CatalogEntry)

MAX_TWINS = 20
RANKED = 20_000
"""Entries that a search sorts by how well they answer; all of them have to be read for that."""


@admin.register(CatalogEntry)
class CatalogEntryAdmin(EntryPages, BulkActionsAdmin, ReadOnlyAdmin):
    bulk_actions = (ImportEntries, ReimportEntries, ExcludeEntries, RestoreEntries)
    list_display = (
        "shown_name", "shown_type", "shown_status", "shown_imports", "shown_source", "shown_path", "confidence",
        "shown_updated",
    )  # fmt: skip
    views = (
        View(_("New"), {"status": "new"}),
        View(_("Updates available"), {"update_available": "yes"}),
        View(_("Imported"), {"status": "imported"}),
        View(_("Excluded"), {"status": "excluded"}),
        View(_("Gone upstream"), {"status": "removed"}),
        View(_("Unsure"), {"confidence": "low"}),
    )
    empty_text = _("Entries come from scans: add a source, and scan it.")
    list_filter = (
        ShowFilter, TypeFilter, StatusFilter, UpdateFilter, PresenceFilter, BasisFilter, ConfidenceFilter,
        SourceFilter,
    )  # fmt: skip
    search_fields = ("search_text",)  # shows the box; the search itself is the queryset's
    search_help_text = _("Words of name, title, description, path or tags; the best come first.")
    # Ordering by source would sort all rows: only columns with an index are offered for it.
    sortable_by = ("shown_name", "confidence")
    fieldsets = (
        (None, {"fields": (
            "shown_name", "shown_type", "namespace_shown", "shown_title", "shown_description", "shown_tags",
        )}),
        (_("Where"), {"fields": ("shown_source", "shown_path", "shown_file", "shown_moved", "shown_plugin")}),
        (_("State"), {"fields": (
            "shown_status", "shown_imports", "shown_exclusion", "shown_duplicate_of", "shown_twins", "first_seen",
            "shown_updated", "content_oid", "commit",
        )}),
        (_("Detection"), {"fields": (
            "confidence", "shown_basis", "shown_signals", "shown_warnings", "shown_metadata",
        )}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[CatalogEntry]:
        return CatalogEntry.objects.for_user(request.user).for_list().select_related("source")

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet[CatalogEntry], bool]:
        """The list's own search; a click on a column's head wins over rank. What very many have is not ranked."""
        if not search_term.strip():
            return queryset, False
        common = queryset.is_common(search_term, beyond=RANKED)
        if ORDER_VAR in request.GET:
            return queryset.matching(search_term, common=common), False
        if common:
            text = _("More than %(n)s entries have these words: they stand in the order of the catalog. Add a word.")
            tell_once(request, text % {"n": f"{RANKED:,}"})
            return queryset.matching(search_term), False  # what is found comes in the catalog's order by itself
        return queryset.search(search_term), False

    def page_actions(self, row: CatalogEntry) -> Sequence[type[BulkAction]]:
        if row.excluded_at is not None:
            return (RestoreEntries,)
        if why_not_importable(row):
            return (ExcludeEntries,)
        return (
            (ReimportEntries, ImportEntries, ExcludeEntries) if row.imports.all() else (ImportEntries, ExcludeEntries)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: CatalogEntry | None = None) -> list[str]:
        return flatten_fieldsets(self.fieldsets)

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, entry: CatalogEntry) -> str:
        return shortened(entry.name)

    @admin.display(description=_("type"))
    def shown_type(self, entry: CatalogEntry) -> str:
        return word_badge(TYPE, entry.type)

    @admin.display(description=_("status"))
    def shown_status(self, entry: Any) -> str:
        return word_badge(STATUS, entry.status)

    @admin.display(description=_("imported into"))
    def shown_imports(self, entry: CatalogEntry) -> str:
        """Out of what the list has fetched."""
        update = badge(_("update available"), Tone.WARNING)
        items = [
            format_html("<li>{} {}</li>", _artifact_link(made), update if made.update_available(entry) else "")
            for made in entry.imports.all()
        ]
        return (
            format_html('<ul class="sm-list">{}</ul>', format_html_join("", "{}", ((item,) for item in items)))
            if items
            else EMPTY
        )

    @admin.display(description=_("source"))
    def shown_source(self, entry: CatalogEntry) -> str:
        return row_link(entry.source)

    @admin.display(description=_("path"))
    def shown_path(self, entry: CatalogEntry) -> str:
        return shortened(entry.path)

    @admin.display(description=_("basis"))
    def shown_basis(self, entry: CatalogEntry) -> str:
        return word_badge(BASIS, entry.basis)

    @admin.display(description=_("last change"))
    def shown_updated(self, entry: CatalogEntry) -> str:
        return ago(entry.updated_at)

    @admin.display(description=_("first seen"))
    def first_seen(self, entry: CatalogEntry) -> str:
        return ago(entry.first_seen_at)

    @admin.display(description=_("namespace"))
    def namespace_shown(self, entry: CatalogEntry) -> str:
        return printable(entry.namespace) or EMPTY

    @admin.display(description=_("title"))
    def shown_title(self, entry: CatalogEntry) -> str:
        return printable(entry.title) or EMPTY

    @admin.display(description=_("description"))
    def shown_description(self, entry: CatalogEntry) -> str:
        return paragraphs(entry.description)

    @admin.display(description=_("tags"))
    def shown_tags(self, entry: CatalogEntry) -> str:
        return printable(", ".join(map(str, entry.tags))) or EMPTY

    @admin.display(description=_("file"))
    def shown_file(self, entry: CatalogEntry) -> str:
        return printable(entry.file) or EMPTY

    @admin.display(description=_("moved from"))
    def shown_moved(self, entry: CatalogEntry) -> str:
        return printable(entry.moved_from) or EMPTY

    @admin.display(description=_("part of plugin"))
    def shown_plugin(self, entry: CatalogEntry) -> str:
        return row_link(entry.plugin)

    @admin.display(description=_("excluded"))
    def shown_exclusion(self, entry: CatalogEntry) -> str:
        if entry.excluded_at is None:
            return EMPTY
        return format_html("{} {}", ago(entry.excluded_at), paragraphs(entry.excluded_reason))

    @admin.display(description=_("duplicate of"))
    def shown_duplicate_of(self, entry: CatalogEntry) -> str:
        return row_link(entry.duplicate_of)

    @admin.display(description=_("same content"))
    def shown_twins(self, entry: CatalogEntry) -> str:
        """Other present entries of this type and content, of whatever source."""
        same = CatalogEntry.objects.present().filter(type=entry.type, content_oid=entry.content_oid)
        twins = same.exclude(pk=entry.pk).select_related("source").order_by("source_id", "pk")[: MAX_TWINS + 1]
        items = [
            format_html("<li>{} ({})</li>", row_link(twin, f"{twin}"), row_link(twin.source, f"{twin.source}"))
            for twin in twins[:MAX_TWINS]
        ]
        if not items:
            return EMPTY
        if len(twins) > MAX_TWINS:
            items.append(format_html("<li>{}</li>", _("and more")))
        return format_html('<ul class="sm-list">{}</ul>', format_html_join("", "{}", ((item,) for item in items)))

    @admin.display(description=_("signals"))
    def shown_signals(self, entry: CatalogEntry) -> str:
        return printable(", ".join(map(str, entry.signals))) or EMPTY

    @admin.display(description=_("warnings"))
    def shown_warnings(self, entry: CatalogEntry) -> str:
        return pretty_json(entry.warnings)

    @admin.display(description=_("metadata"))
    def shown_metadata(self, entry: CatalogEntry) -> str:
        return pretty_json(entry.metadata)


def _artifact_link(made: EntryImport) -> str:
    text = shortened(f"{made.artifact.collection.slug}/{made.artifact.name}")
    url = object_url("artifact", str(made.artifact_id))
    return link(url, text) if url else text
