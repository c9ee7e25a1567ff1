"""Scan runs: the history of a source."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from marketplace.admin.entry_filters import SourceFilter
from marketplace.models import ScanRun
from skillmeat_site.core.admin.badges import OUTCOME, word_badge
from skillmeat_site.core.admin.base import ReadOnlyAdmin
from skillmeat_site.core.admin.changelist import View
from skillmeat_site.core.admin.display import EMPTY, ago, duration, paragraphs, pretty_json, row_link
from skillmeat_site.core.admin.filters import WordFilter
from skillmeat_site.core.admin.hints import hint


class OutcomeFilter(WordFilter):
    title = _("outcome")
    parameter_name = facet = "outcome"
    words = OUTCOME


@admin.register(ScanRun)
class ScanRunAdmin(ReadOnlyAdmin):
    list_display = (
        "shown_when", "shown_source", "shown_outcome", "shown_code", "new", "updated", "removed", "unchanged",
        "shown_took", "shown_job",
    )  # fmt: skip
    views = (
        View(_("Failed"), {"outcome": "failed"}),
        View(_("With changes"), {"outcome": "updated"}),
    )
    list_filter = (OutcomeFilter, SourceFilter)
    list_select_related = ("source", "job")
    search_fields = ("source__url", "source__name", "code", "commit")
    search_help_text = _("Search by source, code or commit.")
    sortable_by = ("shown_when",)
    fields = (
        "shown_when", "shown_source", "shown_job", "shown_outcome", "shown_code", "shown_detail", "commit",
        "short_circuit", "listing_complete", "new_count", "updated_count", "removed_count", "unchanged_count",
        "shown_took", "shown_result",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScanRun]:
        return super().get_queryset(request).defer("result")

    def get_readonly_fields(self, request: HttpRequest, obj: ScanRun | None = None) -> tuple[str, ...]:
        return self.fields

    @admin.display(description=_("when"), ordering="id")
    def shown_when(self, run: ScanRun) -> str:
        return ago(run.created_at)

    @admin.display(description=_("source"))
    def shown_source(self, run: ScanRun) -> str:
        return row_link(run.source)

    @admin.display(description=_("outcome"))
    def shown_outcome(self, run: ScanRun) -> str:
        return word_badge(OUTCOME, run.outcome)

    @admin.display(description=_("code"))
    def shown_code(self, run: ScanRun) -> str:
        return format_html("<code>{}</code>", run.code) if run.code else EMPTY

    @admin.display(description=_("detail"))
    def shown_detail(self, run: ScanRun) -> str:
        return format_html("{}{}", paragraphs(run.detail), hint(run.code, run.detail))

    @admin.display(description=_("new"))
    def new(self, run: ScanRun) -> int:
        return run.new_count

    @admin.display(description=_("updated"))
    def updated(self, run: ScanRun) -> int:
        return run.updated_count

    @admin.display(description=_("removed"))
    def removed(self, run: ScanRun) -> int:
        return run.removed_count

    @admin.display(description=_("unchanged"))
    def unchanged(self, run: ScanRun) -> int:
        return run.unchanged_count

    @admin.display(description=_("took"), ordering="duration_ms")
    def shown_took(self, run: ScanRun) -> str:
        return duration(timedelta(milliseconds=run.duration_ms))

    @admin.display(description=_("job"))
    def shown_job(self, run: ScanRun) -> str:
        return row_link(run.job)

    @admin.display(description=_("result"))
    def shown_result(self, run: ScanRun) -> str:
        return pretty_json(run.result)
