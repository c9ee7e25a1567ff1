"""Sources: registered, changed and forgotten through their service, scanned through their job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from marketplace.admin.badges import HEALTH, of_type
from marketplace.admin.import_actions import ImportSources
from marketplace.admin.source_actions import DisableSources, EnableSources, ForceRescanSources, RescanSources
from marketplace.admin.source_check import ChecksSources
from marketplace.admin.source_filters import (
    EnabledFilter,
    ErrorFilter,
    HealthFilter,
    ProviderFilter,
    TagsFilter,
    TroubleFilter,
    WaitingFilter,
)
from marketplace.admin.source_form import SourceForm
from marketplace.admin.tag_actions import ApproveSourceTags, RefreshSourceTags
from marketplace.admin.tags import DECIDE, tags_of
from marketplace.models import CatalogEntry, ScanRun, Source
from marketplace.models.tag import TagKind
from marketplace.services.sources import create_source, delete_source, update_source
from skillmeat_site.core.admin.actions import BulkAction
from skillmeat_site.core.admin.badges import word_badge
from skillmeat_site.core.admin.base import actor_of
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.changelist import View
from skillmeat_site.core.admin.display import (
    EMPTY,
    ago,
    changelist_url,
    link,
    paragraphs,
    pretty_json,
    row_link,
    shortened,
)
from skillmeat_site.core.admin.hints import hint
from skillmeat_site.core.admin.history import History
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.text import printable

show_objects("source", Source)

STATE_FIELDS = (
    "shown_health", "shown_last_scan", "shown_next_scan", "shown_error", "shown_counts", "shown_path_tags",
    "shown_auto_tags", "shown_links",
)  # fmt: skip
SCAN_FIELDS = ("shown_last_success", "resolved_ref", "head_commit", "listing_complete", "shown_counters")
REPOSITORY_FIELDS = (
    "repository_id", "shown_description", "repository_license", "shown_topics", "shown_release", "archived",
)  # fmt: skip


@admin.register(Source)
class SourceAdmin(ChecksSources, BulkActionsAdmin):
    history = History.EVENTS
    form = SourceForm
    change_form_template = "admin/skillmeat/source_form.html"
    bulk_actions = (
        RescanSources, ForceRescanSources, ImportSources, RefreshSourceTags, ApproveSourceTags, EnableSources,
        DisableSources,
    )  # fmt: skip
    list_display = (
        "shown_name", "shown_health", "shown_entries", "shown_last_scan", "shown_error_code", "enabled",
    )  # fmt: skip
    views = (
        View(_("Failing"), {"health": "failing"}),
        View(_("Unreachable"), {"health": "unreachable"}),
        View(_("Stale"), {"health": "stale"}),
        View(_("Never scanned"), {"health": "never_scanned"}),
        View(_("Tags to decide on"), {"tags": "waiting"}),
    )
    empty_text = _("Add a repository that holds skills, commands or agents; a scan then fills the catalog.")
    list_filter = (
        HealthFilter, TroubleFilter, WaitingFilter, EnabledFilter, ProviderFilter, TagsFilter, ErrorFilter,
    )  # fmt: skip
    search_fields = ("url", "owner", "name", "tags")
    search_help_text = _("Search by URL, owner, name or tag.")
    readonly_fields = (*STATE_FIELDS, *SCAN_FIELDS, *REPOSITORY_FIELDS)
    fieldsets = (
        (
            _("Repository"),
            {"fields": ("url", "ref", "provider", "root_hint", "tags", "trust_level", "enabled", "scan_interval")},
        ),
        (_("Detection"), {"fields": ("single_artifact_type", "manual_map")}),
    )
    state_fieldset = (_("How it stands"), {"fields": STATE_FIELDS})
    told_fieldsets = (
        (_("What the last scan told"), {"fields": SCAN_FIELDS}),
        (_("What GitHub says"), {"fields": REPOSITORY_FIELDS}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        return Source.objects.for_user(request.user).with_health()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Source | None:
        """With whether this user may decide on its tags: what draws them knows the row alone."""
        source: Any = super().get_object(request, object_id, from_field)
        if source is not None:
            source.may_decide = request.user.has_perm(DECIDE)
        return source

    def get_fieldsets(self, request: HttpRequest, obj: Source | None = None) -> Any:
        """How it stands comes first; the form is for now and then."""
        return self.fieldsets if obj is None else (self.state_fieldset, *self.fieldsets, *self.told_fieldsets)

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            # The form has put the new values into ``obj``; the service compares with what is stored.
            update_source(Source.objects.get(pk=obj.pk), actor=actor_of(request), changes=changes)
            return
        obj.pk = create_source(actor=actor_of(request), **form.cleaned_data).pk
        obj.refresh_from_db()
        if RescanSources().is_allowed(request):
            url = reverse("admin:marketplace_source_do", args=[obj.pk, RescanSources.name])
            messages.info(
                request, format_html("{} {}", _t("Nothing has been read yet."), link(url, _t("Scan it now")))
            )

    def delete_model(self, request: HttpRequest, obj: Source) -> None:
        delete_source(obj, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        for source in queryset:
            delete_source(source, actor=actor_of(request))

    def get_deleted_objects(
        self, objs: QuerySet[Source] | Sequence[Source], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Counts instead of names: a source may have thousands of entries. They go with it by the service."""
        sources = list(objs)
        entries = CatalogEntry.objects.filter(source__in=sources).count()
        runs = ScanRun.objects.filter(source__in=sources).count()
        counts = {_t("sources"): len(sources), _t("catalog entries"): entries, _t("scan runs"): runs}
        return [printable(str(source)) for source in sources], counts, set(), []

    def page_actions(self, row: Source) -> Sequence[type[BulkAction]]:
        usual = (RescanSources, ImportSources)
        return (*usual, ApproveSourceTags) if row.found_tags.waiting().exists() else usual

    @admin.display(description=_("source"), ordering="name")
    def shown_name(self, source: Source) -> str:
        below = " · ".join([source.url, *source.tags])
        return format_html("{}<br><small>{}</small>", shortened(str(source)), shortened(below))

    @admin.display(description=_("health"))
    def shown_health(self, source: Any) -> str:
        return word_badge(HEALTH, source.health)

    @admin.display(description=_("entries by type"))
    def shown_counts(self, source: Source) -> str:
        texts = ((count, of_type(type_, count)) for type_, count in source.counts.items())
        return format_html_join(", ", '<span class="sm-nowrap">{} {}</span>', texts) or EMPTY

    @admin.display(description=_("last scan"), ordering="last_scanned_at")
    def shown_last_scan(self, source: Source) -> str:
        return ago(source.last_scanned_at)

    @admin.display(description=_("last success"))
    def shown_last_success(self, source: Source) -> str:
        return ago(source.last_success_at)

    @admin.display(description=_("next scan"))
    def shown_next_scan(self, source: Source) -> str:
        return ago(source.next_scan_at)

    @admin.display(description=_("last error"), ordering="last_error_code")
    def shown_error_code(self, source: Source) -> str:
        return format_html("<code>{}</code>", source.last_error_code) if source.last_error_code else EMPTY

    @admin.display(description=_("last error"))
    def shown_error(self, source: Source) -> str:
        if not source.last_error_code:
            return EMPTY
        told = paragraphs(source.last_error_detail)
        advice = hint(source.last_error_code, source.last_error_detail)
        return format_html("{} {}{}", self.shown_error_code(source), told, advice)

    @admin.display(description=_("entries"))
    def shown_entries(self, source: Source) -> str:
        return link(changelist_url(CatalogEntry, source=source.pk), self.shown_counts(source))

    @admin.display(description=_("tags from folders"))
    def shown_path_tags(self, source: Source) -> str:
        return tags_of(source, TagKind.PATH, may_decide=_may_decide(source))

    @admin.display(description=_("tags from topics"))
    def shown_auto_tags(self, source: Source) -> str:
        return tags_of(source, TagKind.TOPIC, may_decide=_may_decide(source))

    @admin.display(description=_("counters of the last scan"))
    def shown_counters(self, source: Source) -> str:
        return pretty_json(source.counters)

    @admin.display(description=_("description"))
    def shown_description(self, source: Source) -> str:
        return paragraphs(source.repository_description) if source.repository_description else EMPTY

    @admin.display(description=_("topics"))
    def shown_topics(self, source: Source) -> str:
        return printable(", ".join(source.topics)) or EMPTY

    @admin.display(description=_("latest release"))
    def shown_release(self, source: Source) -> str:
        return printable(source.latest_release) or EMPTY

    @admin.display(description=_("see"))
    def shown_links(self, source: Source) -> str:
        last = ScanRun.objects.filter(source=source).select_related("job").order_by("-id").first()
        links = [
            link(changelist_url(CatalogEntry, source=source.pk), _("entries")),
            link(changelist_url(ScanRun, source=source.pk), _("scan runs")),
        ]
        if last is not None and last.job is not None:
            links.append(format_html("{} {}", _("last job:"), row_link(last.job)))
        return format_html_join(" · ", "{}", ((text,) for text in links))


def _may_decide(source: Any) -> bool:
    return bool(getattr(source, "may_decide", False))
