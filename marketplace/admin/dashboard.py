"""The marketplace's panels of the overview: sources, catalog, thirty days of scans."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from marketplace.admin.badges import HEALTH, STATUS, TYPE, of_type
from marketplace.admin.tags import DECIDE
from marketplace.domain.advice import Need, entry_needs, source_needs
from marketplace.errors import REMOVALS_HELD
from marketplace.models import CatalogEntry, ScanRun, Source, SourceTag
from marketplace.models.entry import Presence
from marketplace.querysets import EntryStatus, SourceHealth
from marketplace.services.overview import (
    EntryTally,
    SourceTally,
    scans_by_day,
    tally_entries,
    tally_sources,
)
from skillmeat_site.core.admin.charts import Series, by_day, last_days, stacked
from skillmeat_site.core.admin.display import Tone, changelist_url
from skillmeat_site.core.admin.figures import word_figures
from skillmeat_site.core.advice import Advice
from skillmeat_site.core.overview import Figure, Link, Panel, Step, Suggestion, panel

DAYS = 30
CHANGES = (
    Series("new", gettext_lazy("new"), Tone.GOOD),
    Series("updated", gettext_lazy("changed"), Tone.INFO),
    Series("removed", gettext_lazy("removed"), Tone.WARNING),
)
SCANS = (Series("well", gettext_lazy("went well"), Tone.QUIET), Series("failed", gettext_lazy("failed"), Tone.BAD))

Wording = Callable[[int], tuple[str, str, Link]]


@panel("sources", permission="marketplace.view_source", order=10)
def sources(request: HttpRequest) -> Panel | None:
    tally = tally_sources(request.user)
    waiting = Figure(_("wait after failures"), tally.waiting, changelist_url(Source, waiting="yes"))
    return Panel(
        _("Sources"),
        lead=word_figures(Source, "health", HEALTH, tally.healths),
        more=[waiting] if tally.waiting else [],
        link=Link(changelist_url(Source), _("All sources")),
        empty=_("No repository is registered yet."),
        suggestions=_suggestions(source_needs(tally.facts), _WORDS),
        steps=_first_steps(request, tally),
    )


@panel("catalog", permission="marketplace.view_catalogentry", order=20)
def catalog(request: HttpRequest) -> Panel | None:
    tally = tally_entries(request.user)
    present = Presence.PRESENT.value
    types = [
        Figure(of_type(type_, rows), rows, changelist_url(CatalogEntry, type=type_, presence=present))
        for type_ in TYPE
        if (rows := tally.types.get(type_))
    ]
    updates = Figure(_("updates available"), tally.updates, _updates_url(), Tone.WARNING)
    return Panel(
        _("Catalog"),
        lead=word_figures(CatalogEntry, "status", STATUS, tally.statuses),
        more=[*([updates] if tally.updates else []), *types],
        link=Link(changelist_url(CatalogEntry), _("All entries")),
        empty=_("No artifact was found yet: a scan reads what a repository holds."),
        suggestions=_suggestions(entry_needs(tally.facts), _WORDS),
        steps=[_import_step(request, tally)],
    )


@panel("scans", permission="marketplace.view_scanrun", order=60, wide=True)
def scans(request: HttpRequest) -> Panel | None:
    now = timezone.now()
    found = scans_by_day(DAYS, now)
    if not found:
        return None
    days = last_days(now.date(), DAYS)
    changes = {day: {"new": one.new, "updated": one.updated, "removed": one.removed} for day, one in found.items()}
    ended = {day: {"well": one.scans - one.failed, "failed": one.failed} for day, one in found.items()}
    charts = [
        stacked("changes", _("Changes that scans found"), days, changes, CHANGES),
        stacked("scans", _("Scans"), days, ended, SCANS),
    ]
    return Panel(
        _("Scans of 30 days"),
        link=Link(changelist_url(ScanRun), _("All scan runs")),
        note=_("Days in UTC. A scan that found its commit unchanged leaves no run."),
        template="admin/skillmeat/panel_charts.html",
        context={"charts": charts, "days": by_day(charts)},
    )


def _updates_url() -> str:
    """Status and update together: neither removed nor excluded ones, duplicates too."""
    return changelist_url(CatalogEntry, status=EntryStatus.IMPORTED.value, update_available="yes")


def _suggestions(needs: Iterable[Advice], words: dict[Need, Wording]) -> list[Suggestion]:
    return [Suggestion(one, *words[Need(one.kind)](one.rows), _NEEDED[Need(one.kind)]) for one in needs]


def _add_source(rows: int) -> tuple[str, str, Link]:
    return (
        _("Add a first source"),
        _("A source is a git repository with skills, commands, agents or plugins in it."),
        Link(reverse("admin:marketplace_source_add"), _("Add a source")),
    )


def _fix_sources(rows: int) -> tuple[str, str, Link]:
    title = ngettext("%d source cannot be read", "%d sources cannot be read", rows) % rows
    why = _("Their entries stay as they were. Each source's page says why, and what to do.")
    return title, why, Link(changelist_url(Source, trouble="yes"), _("See which"))


def _scan_first(rows: int) -> tuple[str, str, Link]:
    title = ngettext("%d source was never scanned", "%d sources were never scanned", rows) % rows
    url = changelist_url(Source, health=SourceHealth.NEVER_SCANNED.value)
    return title, _("Nothing is known of what they hold. Select them and choose Rescan."), Link(url, _("Choose"))


def _allow_removals(rows: int) -> tuple[str, str, Link]:
    title = ngettext("%d source waits for your word", "%d sources wait for your word", rows) % rows
    why = _("More than half of its entries would go at once. Look at the repository, then rescan with Allow removals.")
    return title, why, Link(changelist_url(Source, error=REMOVALS_HELD), _("Decide"))


def _scan_stale(rows: int) -> tuple[str, str, Link]:
    title = ngettext("%d source was not read for a week", "%d sources were not read for a week", rows) % rows
    why = _("Rescan them, or give them a scan interval.")
    return title, why, Link(changelist_url(Source, health=SourceHealth.STALE.value), _("Choose"))


def _import_first(rows: int) -> tuple[str, str, Link]:
    title = ngettext("%d artifact can be imported", "%d artifacts can be imported", rows) % rows
    why = _("Select what you want and choose Import: it goes into a collection, from which it can be deployed.")
    return title, why, Link(changelist_url(CatalogEntry), _("Choose"))


def _take_updates(rows: int) -> tuple[str, str, Link]:
    title = ngettext("%d update is available", "%d updates are available", rows) % rows
    why = _("What you imported has changed in its repository. Select what you want and choose Re-import.")
    return title, why, Link(_updates_url(), _("Review and re-import"))


def _decide_tags(rows: int) -> tuple[str, str, Link]:
    title = ngettext("%d suggested tag waits", "%d suggested tags wait", rows) % rows
    why = _("Approved tags go with what is imported.")
    return title, why, Link(changelist_url(SourceTag, status="pending"), _("Decide"))


_WORDS: dict[Need, Wording] = {
    Need.ADD_SOURCE: _add_source,
    Need.FIX_SOURCES: _fix_sources,
    Need.SCAN_FIRST: _scan_first,
    Need.ALLOW_REMOVALS: _allow_removals,
    Need.SCAN_STALE: _scan_stale,
    Need.IMPORT_FIRST: _import_first,
    Need.TAKE_UPDATES: _take_updates,
    Need.DECIDE_TAGS: _decide_tags,
}


_NEEDED: dict[Need, tuple[str, ...]] = {
    Need.ADD_SOURCE: ("marketplace.add_source",),
    Need.FIX_SOURCES: ("marketplace.change_source",),
    Need.SCAN_FIRST: ("marketplace.rescan_source",),
    Need.ALLOW_REMOVALS: ("marketplace.rescan_source",),
    Need.SCAN_STALE: ("marketplace.rescan_source",),
    Need.IMPORT_FIRST: ("collections_app.import_entry",),
    Need.TAKE_UPDATES: ("collections_app.import_entry",),
    Need.DECIDE_TAGS: ("marketplace.view_sourcetag", DECIDE),
}


def _first_steps(request: HttpRequest, tally: SourceTally) -> list[Step]:
    may_add = request.user.has_perm("marketplace.add_source")
    add = Link(reverse("admin:marketplace_source_add"), _("Add a source")) if may_add else None
    scanned = tally.total > tally.healths[SourceHealth.NEVER_SCANNED]
    unread = Link(changelist_url(Source, health=SourceHealth.NEVER_SCANNED.value), _("Choose and rescan"))
    may_scan = bool(tally.total) and request.user.has_perm("marketplace.rescan_source")
    return [
        Step(_("Add a source"), _("A git repository with skills, commands, agents or plugins."), add, tally.total > 0),
        Step(_("Scan it"), _("Finds what it holds. Nothing is copied yet."), unread if may_scan else None, scanned),
    ]


def _import_step(request: HttpRequest, tally: EntryTally) -> Step:
    may = bool(tally.importable) and request.user.has_perm("collections_app.import_entry")
    button = Link(changelist_url(CatalogEntry), _("Choose and import")) if may else None
    done = bool(tally.statuses[EntryStatus.IMPORTED])
    return Step(_("Import what you like"), _("Into a collection, from which projects get it."), button, done)
