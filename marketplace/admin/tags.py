"""Suggested tags: found by scans, decided on by people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from marketplace.admin.badges import TAG_KIND, TAG_STATUS
from marketplace.admin.entry_filters import SourceFilter
from marketplace.admin.tag_actions import ApproveTags, RejectTags, ReopenTags
from marketplace.models import Source, SourceTag
from marketplace.models.tag import TagKind, TagStatus
from marketplace.tag_jobs import decide_one
from skillmeat_site.core.admin.actions import BulkAction
from skillmeat_site.core.admin.badges import word_badge
from skillmeat_site.core.admin.base import ReadOnlyAdmin, actor_of, page_before, tell
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.changelist import View
from skillmeat_site.core.admin.display import EMPTY, ago, change_url, changelist_url, link, row_link, shortened
from skillmeat_site.core.admin.filters import DefaultedFilter, WordFilter
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.text import printable

show_objects("tag", SourceTag)

DECIDE = "marketplace.change_source"
SAID = {
    TagStatus.APPROVED: _("“{}” is approved: it goes with what is imported from now on."),
    TagStatus.REJECTED: _("“{}” is rejected, and not asked about again."),
    TagStatus.PENDING: _("The decision on “{}” is taken back."),
}
VERBS = {TagStatus.APPROVED: _("Approve"), TagStatus.REJECTED: _("Reject"), TagStatus.PENDING: _("Take back")}
MAX_SHOWN = 50
"""Tags on a source's page; the list has all."""


class StatusFilter(WordFilter):
    title = _("status")
    parameter_name = facet = "status"
    words = TAG_STATUS


class KindFilter(WordFilter):
    title = _("kind")
    parameter_name = facet = "kind"
    words = TAG_KIND


class ShowFilter(DefaultedFilter):
    title = _("show")
    parameter_name = "show"
    options = {"present": _("without those that are gone"), "all": _("gone ones too")}

    def narrow(self, queryset: QuerySet[SourceTag], chosen: str) -> QuerySet[SourceTag]:
        return queryset if chosen == "all" else queryset.filter(gone_at__isnull=True)


@admin.register(SourceTag)
class SourceTagAdmin(BulkActionsAdmin, ReadOnlyAdmin):
    change_list_template = "admin/skillmeat/tag_list.html"
    bulk_actions = (ApproveTags, RejectTags, ReopenTags)
    list_display = (
        "shown_tag", "shown_decide", "shown_status", "shown_kind", "shown_value", "shown_source", "shown_seen",
        "shown_gone",
    )  # fmt: skip
    views = (
        View(_("To decide on"), {"status": "pending"}),
        View(_("Approved"), {"status": "approved"}),
        View(_("Rejected"), {"status": "rejected"}),
    )
    empty_text = _("Scans suggest tags, out of the names of folders and of topics on GitHub.")
    list_filter = (ShowFilter, StatusFilter, KindFilter, SourceFilter)
    list_select_related = ("source",)
    search_fields = ("normalized", "value")
    search_help_text = _("Search by tag.")
    sortable_by = ("shown_status",)
    fields = (
        "shown_tag", "shown_status", "shown_kind", "shown_value", "shown_source", "shown_seen", "shown_gone",
        "shown_decided", "shown_decided_by",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[SourceTag]:
        return SourceTag.objects.for_user(request.user)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        may = request.user.has_perm(DECIDE)
        return tuple(name for name in self.list_display if may or name != "shown_decide")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.decide_view))
        own = path("<int:tag_id>/decide/<slug:status>/", view, name="marketplace_sourcetag_decide")
        return [own, *super().get_urls()]

    def decide_view(self, request: HttpRequest, tag_id: int, status: str) -> HttpResponse:
        """A button beside a tag: decided by one click, and back to the page that it stood on."""
        if not request.user.has_perm(DECIDE):
            raise PermissionDenied
        tag = self.get_queryset(request).select_related("source").filter(pk=tag_id).first()
        if tag is None:
            raise Http404
        try:
            decided = decide_one(tag, status, actor=actor_of(request))
        except DomainError as error:
            tell(request, error)
        else:
            messages.success(request, format_html(str(SAID[TagStatus(decided.status)]), printable(decided.normalized)))
        return HttpResponseRedirect(page_before(request) or changelist_url(SourceTag))

    def get_readonly_fields(self, request: HttpRequest, obj: SourceTag | None = None) -> tuple[str, ...]:
        return self.fields

    def page_actions(self, row: SourceTag) -> Sequence[type[BulkAction]]:
        return {
            TagStatus.PENDING: (ApproveTags, RejectTags),
            TagStatus.APPROVED: (RejectTags, ReopenTags),
            TagStatus.REJECTED: (ApproveTags, ReopenTags),
        }[TagStatus(row.status)]

    @admin.display(description=_("tag"))
    def shown_tag(self, tag: SourceTag) -> str:
        return shortened(tag.normalized)

    @admin.display(description=_("decide"))
    def shown_decide(self, tag: SourceTag) -> str:
        return decide_buttons(tag)

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, tag: SourceTag) -> str:
        return word_badge(TAG_STATUS, tag.status)

    @admin.display(description=_("kind"))
    def shown_kind(self, tag: SourceTag) -> str:
        return word_badge(TAG_KIND, tag.kind)

    @admin.display(description=_("as it is written"))
    def shown_value(self, tag: SourceTag) -> str:
        return shortened(tag.value)

    @admin.display(description=_("source"))
    def shown_source(self, tag: SourceTag) -> str:
        return row_link(tag.source)

    @admin.display(description=_("last seen"))
    def shown_seen(self, tag: SourceTag) -> str:
        return ago(tag.last_seen_at)

    @admin.display(description=_("gone"))
    def shown_gone(self, tag: SourceTag) -> str:
        return ago(tag.gone_at)

    @admin.display(description=_("decided"))
    def shown_decided(self, tag: SourceTag) -> str:
        return ago(tag.decided_at)

    @admin.display(description=_("decided by"))
    def shown_decided_by(self, tag: SourceTag) -> str:
        return printable(str(tag.decided_by)) if tag.decided_by else EMPTY


def decide_buttons(tag: SourceTag) -> str:
    """A button for each other decision. They stand amid the page's form, but belong to another (click_form.html)."""
    others = [status for status in (TagStatus.APPROVED, TagStatus.REJECTED, TagStatus.PENDING) if status != tag.status]
    buttons = [
        (
            reverse("admin:marketplace_sourcetag_decide", args=[tag.pk, status.value]),
            status.value,
            VERBS[status],
            printable(tag.normalized),
        )
        for status in others
    ]
    return format_html(
        '<span class="sm-decide">{}</span>',
        format_html_join(
            " ",
            '<button type="submit" form="sm-click" formaction="{}" value="{}">{}'
            '<span class="visually-hidden"> {}</span></button>',
            buttons,
        ),
    )


def tags_of(source: Source, kind: TagKind, *, may_decide: bool = False) -> str:
    """The suggested tags that a source's repository has, each with its status and a way to its page."""
    tags: list[Any] = list(source.found_tags.present().filter(kind=kind).order_by("normalized")[: MAX_SHOWN + 1])
    if not tags:
        return EMPTY
    items = [
        format_html(
            "<li>{} {} {}</li>",
            link(change_url(tag), printable(tag.normalized)),
            word_badge(TAG_STATUS, tag.status),
            decide_buttons(tag) if may_decide else "",
        )
        for tag in tags[:MAX_SHOWN]
    ]
    url = changelist_url(SourceTag, source=source.pk, kind=kind.value)
    items.append(format_html("<li>{}</li>", link(url, _("all, to approve or reject"))))
    return format_html('<ul class="sm-list">{}</ul>', format_html_join("", "{}", ((item,) for item in items)))
