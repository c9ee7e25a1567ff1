"""Bulk actions that import: entries, all entries of sources, and entries anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.domain.import_plan import Strategy
from collections_app.domain.names import check_slug
from collections_app.errors import UnsafePath
from collections_app.services.holding import DEFAULT
from marketplace.jobs import bulk_import, bulk_reimport
from marketplace.models import CatalogEntry
from marketplace.services.import_estimate import estimate_import, estimate_reimport
from skillmeat_site.core.admin.actions import JobAction, Options
from skillmeat_site.core.admin.previews import ListedPreview, Preview, planned_of

STRATEGIES = {
    Strategy.SKIP: _("skip: leave what is there"),
    Strategy.OVERWRITE: _("overwrite: replace it; a snapshot is taken before"),
    Strategy.RENAME: _("rename: import as name-1, name-2, …"),
}

ESTIMATED = _(
    "Judged by names and by what was imported before. The content was not read: a file that is too large, a hook that "
    "needs its plugin, or a file that lies in the way without a record shows only then."
)


class CollectionField(forms.CharField):
    """A slug, or nothing where that is allowed."""

    def clean(self, value: Any) -> str:
        slug = str(super().clean(value))
        if slug:
            try:
                check_slug(slug)
            except UnsafePath as error:
                raise forms.ValidationError(error.detail) from None
        return slug


class ImportForm(forms.Form):
    collection = CollectionField(
        label=_("Collection"), max_length=63, help_text=_("Its slug; it is made where there is none.")
    )
    strategy = forms.ChoiceField(
        label=_("Where the name is taken"), choices=[(word.value, text) for word, text in STRATEGIES.items()]
    )


class ReimportForm(forms.Form):
    keep_deployments = forms.BooleanField(
        label=_("Keep deployments"),
        required=False,
        help_text=_(
            "Keep id, tags, pin and deployments, of which those that nobody edited follow. Else start afresh."
        ),
    )
    collection = CollectionField(
        label=_("Collection"), required=False, max_length=63, help_text=_("Only for entries that are in several.")
    )


class ImportEntries(JobAction):
    name = "import"
    label = _("Import selected entries")
    button = _("Import")
    description = _("Brings the artifacts into a collection, at the commit of the last scan.")
    form = ImportForm
    initial = {"collection": DEFAULT, "strategy": Strategy.SKIP.value}
    job = bulk_import
    exact_up_to = 0

    def estimate(self, request: HttpRequest, ids: Sequence[int], options: Options | None) -> Preview:
        said = options or self.initial
        result = estimate_import(ids, collection=said["collection"], strategy=Strategy(said["strategy"]))
        return ListedPreview((planned_of(row) for row in result.rows), exact=False, note=ESTIMATED)


class ImportSources(ImportEntries):
    """The entries that the sources have when they are chosen: those are frozen, and no others."""

    name = "import_all"
    label = _("Import all entries of selected sources")
    button = _("Import all")

    def chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        sources = list(queryset.values_list("pk", flat=True))
        importable = CatalogEntry.objects.for_user(request.user).importable()
        return importable.filter(source__pk__among=sources).order_by("pk")

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return CatalogEntry.objects.for_user(request.user)


class ReimportEntries(JobAction):
    name = "reimport"
    label = _("Re-import selected entries")
    button = _("Re-import")
    description = _(
        "Imports each entry anew into the artifact that it was imported as, after a snapshot of its collection. "
        "Copies that were edited are replaced; the snapshot holds them."
    )
    form = ReimportForm
    initial = {"keep_deployments": True, "collection": ""}
    dangerous = True
    job = bulk_reimport
    exact_up_to = 0

    def estimate(self, request: HttpRequest, ids: Sequence[int], options: Options | None) -> Preview:
        said = options or self.initial
        result = estimate_reimport(ids, collection=said["collection"])
        return ListedPreview((planned_of(row) for row in result.rows), exact=False, note=ESTIMATED)
