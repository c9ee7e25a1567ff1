"""Snapshots: what was, what has changed since, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from collections_app.admin.badges import CHANGE
from collections_app.admin.filters import CollectionFilter
from collections_app.jobs import restore
from collections_app.models import Snapshot
from collections_app.services.snapshot_diff import FileDifference, snapshot_diff
from skillmeat_site.core.admin.actions import BulkAction, JobAction, Options
from skillmeat_site.core.admin.badges import word_badge
from skillmeat_site.core.admin.base import ReadOnlyAdmin, actor_of
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.display import EMPTY, Tone, ago, row_link, shortened
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.admin.previews import ListedPreview, Planned
from skillmeat_site.core.errors import DomainError, InvalidParameter
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.text import printable

show_objects("snapshot", Snapshot, related=("collection",))

MAX_FILES = 50
"""Files whose difference is on the page; the API has all."""
TEXTS = {
    "binary": _("Not a text."),
    "too_large": _("Too large to compare here."),
    "unavailable": _("It was changed just now: reload the page."),
}


class RestoreSnapshot(JobAction):
    """One snapshot at a time: two of one collection would undo each other."""

    name = "restore"
    label = _("Restore the selected snapshot")
    button = _("Restore")
    description = _("Gives back every byte of the collection as it was then, after a snapshot of what it is now.")
    permission = "collections_app.change_collection"
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
class SnapshotAdmin(BulkActionsAdmin, ReadOnlyAdmin):
    bulk_actions = (RestoreSnapshot,)
    list_display = ("shown_at", "shown_collection", "shown_reason", "artifact_count", "shown_job")
    list_filter = (CollectionFilter,)
    search_fields = ("reason", "key", "collection__slug")
    search_help_text = _("Search by reason or collection.")
    sortable_by = ()
    fields = (
        "shown_at", "shown_collection", "shown_reason", "artifact_count", "shown_job", "key", "commit_oid",
        "shown_diff",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        return Snapshot.objects.for_user(request.user).for_list().select_related("job")

    def get_readonly_fields(self, request: HttpRequest, obj: Snapshot | None = None) -> tuple[str, ...]:
        return self.fields

    def page_actions(self, row: Snapshot) -> Sequence[type[BulkAction]]:
        return self.bulk_actions

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

    @admin.display(description=_("changed since"))
    def shown_diff(self, row: Snapshot) -> str:
        try:
            found = snapshot_diff(row, None)
            compared = found[:MAX_FILES]
        except DomainError as error:
            return format_html("{} <code>{}</code>", printable(error.detail), error.code)
        if not len(found):
            return format_html("<p>{}</p>", _("Nothing: the collection is as it was."))
        files = format_html_join("", "{}", ((_difference(each),) for each in compared))
        more = format_html("<p>{} {}</p>", len(found) - MAX_FILES, _("more files")) if len(found) > MAX_FILES else ""
        return format_html('<div class="sm-diff">{}{}</div>', files, more)


def _difference(each: FileDifference) -> str:
    kind = each.lines.kind.value
    body: Any = TEXTS.get(kind) or _hunks(each)
    cut = format_html("<p>{}</p>", _("The difference goes on.")) if each.lines.truncated else ""
    return format_html(
        "<details{}><summary>{} {}</summary>{}{}</details>",
        " open" if each.lines.hunks else "",
        word_badge(CHANGE, each.change.status),
        printable(each.change.path),
        body,
        cut,
    )


def _hunks(each: FileDifference) -> str:
    lines: list[tuple[str, str, str]] = []
    for hunk in each.lines.hunks:
        place = f"-{hunk.old_start},{hunk.old_lines} +{hunk.new_start},{hunk.new_lines}"
        lines.append(("sm-place", "@@", place))
        lines += [
            (_TONE.get(line.origin, "sm-same"), line.origin, printable(line.text.rstrip("\r\n").expandtabs(4)))
            for line in hunk.lines
        ]
    if not lines:
        return EMPTY
    return format_html(
        '<pre class="sm-hunks">{}</pre>', format_html_join("\n", '<span class="{}">{} {}</span>', lines)
    )


_TONE = {"+": "sm-plus", "-": "sm-minus"}
