"""What an entry's page leads to: its files as the repository has them, and a comparison with what was imported."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from collections_app.admin.artifact_page import artifact_sides
from collections_app.admin.compare_page import comparison_parts
from collections_app.models import Artifact
from collections_app.services.listed_tree import Part
from collections_app.services.sides import BASE, COLLECTION, UPSTREAM
from marketplace.services.entry_sides import entry_content, entry_side, imported_artifacts
from skillmeat_site.core.admin.file_page import (
    FILE,
    MAX_SHOWN,
    ListedFile,
    show_file,
    show_files_of,
)
from skillmeat_site.core.admin.subpages import SubPagesAdmin, refusal, section
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import PageReport
from skillmeat_site.core.text import printable

ARTIFACT = "artifact"
PREFERRED = ((COLLECTION, UPSTREAM), (BASE, COLLECTION))
PREVIEWED = ("SKILL.md", "README.md", "readme.md", "skill.md", ".claude-plugin/plugin.json")


class EntryPages(SubPagesAdmin):
    """Only these pages ask the repository; the entry's own page and the list do not."""

    sub_pages = (("files", _("Files")), ("compare", _("Compare")))

    def files_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """All files with a preview, or the one that the address names."""
        row = self.shown_row(request, object_id)
        wanted = request.GET.get(FILE, "")
        try:
            parts, side = entry_content(row, PageReport())
            chosen = _chosen(parts, wanted)
            if wanted and chosen is None:
                raise Http404
            shown: list[SafeString] = []
            if chosen is not None:
                content = side.contents[chosen.path]
                side.prepare([content])
                data = side.load(chosen.path, content, MAX_SHOWN * 4)
                shown = [show_file(request, _listed(chosen), data)]
            if not wanted:
                listed = show_files_of([_listed(part) for part in parts], self.sub_url(row, "files"))
                heading = printable(chosen.path) if chosen else ""
                shown = [*([section(heading, *shown)] if chosen else []), section(_("Files"), listed)]
        except DomainError as error:
            shown = [refusal(error)]
        return self.sub_page(request, row, printable(wanted) or _("Files"), parts=shown)

    def compare_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.shown_row(request, object_id)
        artifacts = imported_artifacts(row) if request.user.has_perm("collections_app.view_artifact") else []
        if not artifacts:
            nothing = _("It is not imported: there is nothing to compare it with. Its files are a page of their own.")
            return self.sub_page(
                request, row, _("Compare"), parts=[format_html('<p class="smd-empty">{}</p>', nothing)]
            )
        wanted = request.GET.get(ARTIFACT, "")
        artifact = next((each for each in artifacts if str(each.pk) == wanted), artifacts[0])
        name = artifact.path.rpartition("/")[2]
        sides = artifact_sides(request, artifact, entry_side(row, PageReport(), name=name))
        parts = comparison_parts(request, sides, PREFERRED)
        return self.sub_page(request, row, _("Compare"), parts=[_choice(artifacts, artifact), *parts])


def _chosen(parts: Sequence[Part], wanted: str) -> Part | None:
    """The file that is wanted; without one, the file that tells people what the artifact is."""
    by_path = {part.path: part for part in parts}
    if wanted:
        return by_path.get(wanted)
    if len(parts) == 1:
        return parts[0]
    return next((by_path[name] for name in PREVIEWED if name in by_path), None)


def _listed(part: Part) -> ListedFile:
    return ListedFile(part.path, part.mode.value, part.size)


def _choice(artifacts: Sequence[Artifact], chosen: Artifact) -> SafeString:
    """Which of the artifacts that were imported from it, where there are several."""
    if len(artifacts) < 2:
        return SafeString("")
    links = format_html_join(
        "",
        '<a href="?{}"{}>{}</a>',
        (
            (
                urlencode({ARTIFACT: str(each.pk)}),
                SafeString(' aria-current="true"') if each is chosen else "",
                printable(f"{each.collection.slug}/{each.name}"),
            )
            for each in artifacts
        ),
    )
    return format_html('<nav class="sm-tabs" aria-label="{}">{}</nav>', _("Imported as"), links)
