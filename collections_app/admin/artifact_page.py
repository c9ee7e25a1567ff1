"""What an artifact's page shows of its content: a preview, its files, a comparison, its history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from collections_app.admin.compare_page import comparison_parts
from collections_app.admin.snapshots import AGAINST, BELOW, PREVIOUS, snapshot_url
from collections_app.models import Artifact, Deployment
from collections_app.services.contents import artifact_file, artifact_files, artifact_preview
from collections_app.services.sides import BASE, COLLECTION, UPSTREAM, Side, base_side, collection_side, deployed_side
from collections_app.services.timeline import MAX_VERSIONS, Version, versions_of
from collections_app.services.upstream_sides import upstream_side
from collections_app.store.content_ids import FileEntry
from skillmeat_site.core.admin.badges import Words, word_badge
from skillmeat_site.core.admin.display import Text, Tone, ago, link, row_link, shortened
from skillmeat_site.core.admin.file_page import FILE, ListedFile, show_file, show_files_of, show_markdown
from skillmeat_site.core.admin.subpages import SubPagesAdmin, refusal, section
from skillmeat_site.core.admin.tables import table
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import PageReport
from skillmeat_site.core.text import printable

MAX_PROJECTS = 4
"""Deployed copies beside each other; each has a comparison of its own as well."""
PREFERRED = ((COLLECTION, UPSTREAM), (BASE, COLLECTION))

VERSION: Words = {
    "added": (_("added"), Tone.GOOD),
    "changed": (_("changed"), Tone.INFO),
    "removed": (_("removed"), Tone.BAD),
}


def artifact_sides(request: HttpRequest, artifact: Artifact, upstream: Side | None) -> list[Side]:
    """All sides of an artifact, what was imported first; deployed copies for who may look at deployments."""
    sides = [base_side(artifact), *([upstream] if upstream else []), collection_side(artifact)]
    if request.user.has_perm("collections_app.view_deployment"):
        rows = Deployment.objects.for_user(request.user).for_list().filter(artifact=artifact)
        sides += [deployed_side(row) for row in rows.order_by("-deployed_at", "pk")[:MAX_PROJECTS]]
    return sides


class ArtifactPages(SubPagesAdmin):
    sub_pages = (("files", _("Files")), ("compare", _("Compare")))

    def page_parts(self, request: HttpRequest, row: Artifact) -> list[SafeString]:
        try:
            files = artifact_files(row)
            preview = artifact_preview(row, files)
        except DomainError as error:
            return [section(_("Files"), refusal(error))]
        listed = section(_("Files"), show_files_of(_listed(files), self.sub_url(row, "files")))
        if preview is None:
            return [listed]
        entry = next(each for each in files if each.path == preview.path)
        shown = (
            show_markdown(preview.data) if preview.markdown else show_file(request, _listed([entry])[0], preview.data)
        )
        where = format_html("<p><small>{}</small></p>", printable(preview.path))
        return [section(_("Preview"), where, shown), listed]

    def files_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """All files, or the one that the address names."""
        row = self.shown_row(request, object_id)
        wanted = request.GET.get(FILE, "")
        try:
            files = artifact_files(row)
            if not wanted:
                return self.sub_page(
                    request, row, _("Files"), parts=[show_files_of(_listed(files), self.sub_url(row, "files"))]
                )
            entry = next((each for each in files if each.path == wanted), None)
            if entry is None:
                raise Http404
            parts = [show_file(request, _listed([entry])[0], artifact_file(row, entry))]
        except DomainError as error:
            parts = [refusal(error)]
        return self.sub_page(request, row, printable(wanted) or _("Files"), parts=parts)

    def compare_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.shown_row(request, object_id)
        upstream = upstream_side(row, PageReport())
        sides = artifact_sides(request, row, upstream)
        return self.sub_page(request, row, _("Compare"), parts=comparison_parts(request, sides, PREFERRED))

    def has_history(self, request: HttpRequest) -> bool:
        return request.user.has_perm("collections_app.view_snapshot")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The snapshots that changed it, in the place of Django's log, which has nothing of artifacts."""
        row = self.shown_row(request, object_id)
        if not self.has_history(request):
            raise PermissionDenied
        try:
            versions, more = versions_of(row)
            parts = [_versions(versions, row), *([_older()] if more else [])]
        except DomainError as error:
            parts = [refusal(error)]
        return self.sub_page(request, row, _("History"), parts=parts)


def _listed(files: Sequence[FileEntry]) -> list[ListedFile]:
    return [ListedFile(each.path, each.mode.value, each.size) for each in files]


def _older() -> SafeString:
    return format_html("<p>{} {}</p>", _("Snapshots looked through:"), MAX_VERSIONS)


def _versions(versions: Sequence[Version], artifact: Artifact) -> SafeString:
    if not versions:
        return format_html('<p class="smd-empty">{}</p>', _("No snapshot holds it yet."))
    heads = [_("Up to the snapshot"), _("What"), _("Reason of the snapshot"), _("Job"), _("Content")]
    return table(_("History"), heads, (_version(version, artifact) for version in versions))


def _version(version: Version, artifact: Artifact) -> tuple[Text, ...]:
    row = version.snapshot
    url = snapshot_url(row, **{AGAINST: PREVIOUS, BELOW: artifact.path})
    content = format_html("<code>{}</code>", version.oid[:12])
    when = link(url, ago(row.created_at))
    return when, word_badge(VERSION, _what(version)), shortened(row.reason), row_link(row.job), content


def _what(version: Version) -> str:
    if not version.oid:
        return "removed"
    return "changed" if version.was_there else "added"
