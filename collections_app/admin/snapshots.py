"""Snapshots: what was, what one changed, what has changed since, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from collections_app.admin.filters import CollectionFilter
from collections_app.jobs import restore
from collections_app.models import Snapshot
from collections_app.services.file_views import ComparedFiles
from collections_app.services.snapshots import find_snapshot
from collections_app.services.timeline import changes_in, changes_since, previous_of
from skillmeat_site.core.admin.actions import BulkAction, JobAction, Options
from skillmeat_site.core.admin.base import ReadOnlyAdmin, actor_of
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.diff_page import show_difference
from skillmeat_site.core.admin.diffs import VIEW
from skillmeat_site.core.admin.display import Tone, ago, change_url, row_link, shortened
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.admin.previews import ListedPreview, Planned
from skillmeat_site.core.admin.subpages import SubPagesAdmin, refusal, section
from skillmeat_site.core.errors import DomainError, InvalidParameter
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.text import printable

show_objects("snapshot", Snapshot, related=("collection",))

AGAINST, BELOW = "against", "below"
NOW, PREVIOUS = "now", "previous"


def snapshot_url(row: Snapshot, **query: str) -> str:
    """A snapshot's page; ``query`` says what it is compared with."""
    return f"{change_url(row)}?{urlencode(query)}" if query else change_url(row)


class RestoreSnapshot(JobAction):
    """One snapshot at a time: two of one collection would undo each other."""

    name = "restore"
    label = _("Restore the selected snapshot")
    button = _("Restore")
    description = _("Gives back every byte of the collection as it was then, after a snapshot of what it is now.")
    job = restore
    dangerous = True

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
        row = Snapshot.objects.select_related("collection").filter(pk__in=ids[:1]).first()
        if len(ids) != 1 or row is None:
            raise InvalidParameter("Choose one snapshot: a collection can go back to one moment only.")
        return {"slug": row.collection.slug, "snapshot_id": str(row.pk)}

    def planned(self, request: HttpRequest, ids: Sequence[str], options: Options) -> ListedPreview:
        """File by file: of the one snapshot there would be one row."""
        context: Any = DryRunContext(actor_of(request))
        result = self.job.function(context, **self.params(ids, options), dry_run=True)
        rows = [Planned("", path, path, "swap") for path in result.changed]
        return ListedPreview(
            rows, words={"swap": (_("artifacts and files will be given back or taken away"), Tone.INFO)}
        )


@admin.register(Snapshot)
class SnapshotAdmin(SubPagesAdmin, BulkActionsAdmin, ReadOnlyAdmin):
    bulk_actions = (RestoreSnapshot,)
    list_display = ("shown_at", "shown_collection", "shown_reason", "artifact_count", "shown_job")
    list_filter = (CollectionFilter,)
    search_fields = ("reason", "key", "collection__slug")
    search_help_text = _("Search by reason or collection.")
    sortable_by = ()
    fields = (
        "shown_at", "shown_collection", "shown_reason", "artifact_count", "shown_job", "key", "commit_oid",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        return Snapshot.objects.for_user(request.user).for_list().select_related("job")

    def get_readonly_fields(self, request: HttpRequest, obj: Snapshot | None = None) -> tuple[str, ...]:
        return self.fields

    def page_actions(self, row: Snapshot) -> Sequence[type[BulkAction]]:
        return self.bulk_actions

    def page_parts(self, request: HttpRequest, row: Snapshot) -> list[SafeString]:
        previous = previous_of(row)
        against = request.GET.get(AGAINST, NOW)
        below = request.GET.get(BELOW, "")
        tabs = _tabs(request, against, previous)
        only = format_html("<p>{} <code>{}</code></p>", _("Only below"), printable(below)) if below else ""
        try:
            found, nothing = self._compared(request, row, previous, against, below)
            shown = show_difference(request, found, nothing)
        except DomainError as error:
            shown = refusal(error)
        return [section(_("Differences"), tabs, only, shown)]

    def _compared(
        self, request: HttpRequest, row: Snapshot, previous: Snapshot | None, against: str, below: str
    ) -> tuple[ComparedFiles, Any]:
        if against == PREVIOUS:
            return changes_in(row, previous, below=below), _("Nothing: it is the same as the one before.")
        if against == NOW:
            return changes_since(row, None, below=below), _("Nothing: the collection is as it was.")
        other = find_snapshot(row.collection, against)
        other.collection = row.collection
        return changes_since(row, other, below=below), _("Nothing: the two are the same.")

    @admin.display(description=_("taken"))
    def shown_at(self, row: Snapshot) -> str:
        return ago(row.created_at)

    @admin.display(description=_("collection"))
    def shown_collection(self, row: Snapshot) -> str:
        return row_link(row.collection)

    @admin.display(description=_("reason"))
    def shown_reason(self, row: Snapshot) -> str:
        return shortened(row.reason)

    @admin.display(description=_("job"))
    def shown_job(self, row: Snapshot) -> str:
        return row_link(row.job)


def _tabs(request: HttpRequest, against: str, previous: Snapshot | None) -> SafeString:
    texts = [(PREVIOUS, _("What it holds: it is the first") if previous is None else _("Since the one before"))]
    texts.append((NOW, _("From it to now")))
    if against not in (PREVIOUS, NOW):
        texts.append((against, _("To another snapshot")))
    links = []
    for value, text in texts:
        query = {name: kept for name, kept in request.GET.items() if name in (BELOW, VIEW)} | {AGAINST: value}
        current = SafeString(' aria-current="true"') if value == against else ""
        links.append((urlencode(query), current, text))
    tabs = format_html_join("", '<a href="?{}"{}>{}</a>', links)
    return format_html('<nav class="sm-tabs" aria-label="{}">{}</nav>', _("What is compared"), tabs)
