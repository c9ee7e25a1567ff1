"""Questions people ask of sources and entries, each with a name."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils import timezone

from marketplace.domain.search import NAME, TAG, TITLE, Term, name_key, query_terms
from marketplace.errors import REMOVALS_HELD
from marketplace.search_index import FindsCommonWords, FindsWords, found_beyond

if TYPE_CHECKING:
    from marketplace.models import CatalogEntry, EntryImport, Source, SourceTag  # noqa: F401 - named in quotes below

STALE_AFTER = timedelta(days=7)


class EntryStatus(StrEnum):
    """What is shown of an entry; derived, never stored. The first that applies."""

    EXCLUDED = "excluded"
    REMOVED = "removed"
    IMPORTED = "imported"
    UPDATED = "updated"
    NEW = "new"


class SourceHealth(StrEnum):
    """How a source is doing; derived. The first that applies."""

    DISABLED = "disabled"
    UNREACHABLE = "unreachable"
    FAILING = "failing"
    NEVER_SCANNED = "never_scanned"
    STALE = "stale"
    FRESH = "fresh"


class Rank(IntEnum):
    """How well an entry answers a query; the best that applies."""

    NAME = 0
    NAME_BEGINS = 1
    IN_NAME = 2
    IN_TITLE = 3
    IN_TAGS = 4
    ELSEWHERE = 5


UNREACHABLE_CODES = ("upstream_unreachable", "upstream_timeout", "upstream_not_found", "upstream_blocked")


class SourceQuerySet(QuerySet["Source"]):
    def for_user(self, user: Any) -> SourceQuerySet:
        """The sources this user may see. Today all; the place to narrow ownership later."""
        return self

    def for_list(self) -> SourceQuerySet:
        return self.with_health().prefetch_related("found_tags")

    def with_health(self) -> SourceQuerySet:
        stale_before = timezone.now() - STALE_AFTER
        return self.annotate(
            health=Case(
                When(enabled=False, then=Value(SourceHealth.DISABLED.value)),
                When(last_error_code__in=UNREACHABLE_CODES, then=Value(SourceHealth.UNREACHABLE.value)),
                When(~Q(last_error_code=""), then=Value(SourceHealth.FAILING.value)),
                When(last_success_at__isnull=True, then=Value(SourceHealth.NEVER_SCANNED.value)),
                When(last_success_at__lt=stale_before, then=Value(SourceHealth.STALE.value)),
                default=Value(SourceHealth.FRESH.value),
                output_field=CharField(),
            )
        )

    def in_health(self, *healths: str) -> SourceQuerySet:
        return self.with_health().filter(Q(health__in=healths))

    def in_trouble(self) -> SourceQuerySet:
        """Enabled ones whose last scan failed. That removals are held is no failure: somebody is to decide."""
        return self.filter(enabled=True).exclude(last_error_code__in=("", REMOVALS_HELD))

    def backing_off(self) -> SourceQuerySet:
        """Enabled ones that sweeps leave alone for a while, after failures."""
        return self.filter(enabled=True, not_before__gt=timezone.now())

    def sweepable(self) -> SourceQuerySet:
        """What `--all` and schedules take up: enabled, and not backing off after failures."""
        return self.filter(Q(not_before__isnull=True) | Q(not_before__lte=timezone.now()), enabled=True)

    def due(self) -> SourceQuerySet:
        return self.sweepable().filter(next_scan_at__lte=timezone.now())


class EntryQuerySet(QuerySet["CatalogEntry"]):
    def for_user(self, user: Any) -> EntryQuerySet:
        """The entries this user may see. Today all; the place to narrow ownership later."""
        return self

    def for_list(self) -> EntryQuerySet:
        return self.with_status().with_imports().defer("metadata", "fingerprint", "search_text")

    def with_status(self) -> EntryQuerySet:
        return self.annotate(
            status=Case(
                When(excluded_at__isnull=False, then=Value(EntryStatus.EXCLUDED.value)),
                When(presence="removed", then=Value(EntryStatus.REMOVED.value)),
                When(Exists(self._imports()), then=Value(EntryStatus.IMPORTED.value)),
                When(changed_since_first_seen=True, then=Value(EntryStatus.UPDATED.value)),
                default=Value(EntryStatus.NEW.value),
                output_field=CharField(),
            )
        )

    def in_status(self, *statuses: str) -> EntryQuerySet:
        imported = Q(Exists(self._imports()))
        usual = Q(excluded_at__isnull=True, presence="present")
        conditions = {
            EntryStatus.EXCLUDED: Q(excluded_at__isnull=False),
            EntryStatus.REMOVED: Q(excluded_at__isnull=True, presence="removed"),
            EntryStatus.IMPORTED: usual & Q(pk__in=self._links().order_by().values("entry")),
            EntryStatus.UPDATED: usual & ~imported & Q(changed_since_first_seen=True),
            EntryStatus.NEW: usual & ~imported & Q(changed_since_first_seen=False),
        }
        wanted = Q(pk__in=[])
        for status in statuses:
            wanted |= conditions[EntryStatus(status)]
        return self.filter(wanted)

    def with_imports(self) -> EntryQuerySet:
        """Each entry with its ``imports``, their artifacts and collections: one more statement for all together."""
        links = self._links().select_related("artifact__collection").order_by("pk")
        shown = ("artifact__type", "artifact__name", "artifact__base_oid", "artifact__collection__slug")
        return self.prefetch_related(Prefetch("imports", links.only("entry_id", "imported_at", *shown)))

    def imported(self, *, into: str = "") -> EntryQuerySet:
        """Entries of which an artifact is there, in the collection ``into`` or in any."""
        links = self._imports()
        return self.filter(Exists(links.filter(artifact__collection__slug=into) if into else links))

    def update_available(self, wanted: bool = True) -> EntryQuerySet:
        """Entries of which some artifact was imported from other content than what is there now; or the others."""
        # Begun with the imports, which are fewer than entries; compared one by one, so that who counts to a hundred
        # compares little more than a hundred.
        imported = Q(pk__in=self._links().order_by().values("entry"))
        older = Exists(self._imports().exclude(artifact__base_oid=OuterRef("content_oid")).order_by())
        condition = imported & Q(older, presence="present") & ~Q(content_oid="")
        return self.filter(condition if wanted else ~condition)

    def importable(self) -> EntryQuerySet:
        """What an import of everything takes: what is shown, but for marketplaces, which only list plugins."""
        return self.visible().exclude(type="marketplace")

    def _links(self) -> QuerySet[EntryImport]:
        links: Any = self.model._meta.get_field("imports").related_model
        return links._default_manager.all()

    def _imports(self) -> QuerySet[EntryImport]:
        return self._links().filter(entry=OuterRef("pk"))

    def present(self) -> EntryQuerySet:
        return self.filter(presence="present")

    def visible(self, *, removed: bool = False, excluded: bool = False, duplicate: bool = False) -> EntryQuerySet:
        """Without what is usually in the way, unless asked for."""
        hidden = Q()
        if not removed:
            hidden |= Q(presence="removed")
        if not excluded:
            hidden |= Q(excluded_at__isnull=False)
        if not duplicate:
            hidden |= Q(duplicate_of__isnull=False)
        # Hidden ones are excluded, and not the others filtered: SQLite would take "duplicate_of IS NULL", which nearly
        # all are, for a place to begin.
        return self.exclude(hidden) if hidden else self

    def matching(self, text: str, *, common: bool = False) -> EntryQuerySet:
        """Entries that have every word of ``text`` at the beginning of one of theirs; none if it has no words.

        Asks the index: nothing is read of entries that do not match. Any text will do, none is an error. ``common``:
        very many do, as ``is_common`` tells; the rows are the same.
        """
        terms, finds = query_terms(text), FindsCommonWords if common else FindsWords
        return self.filter(finds(F("search_text"), terms)) if terms else self.none()

    def is_common(self, text: str, *, beyond: int) -> bool:
        """Whether more than ``beyond`` entries, hidden ones too, are ``matching(text)``; nothing is read of them."""
        terms = query_terms(text)
        return bool(terms) and found_beyond(connections[self.db], terms, beyond)

    def search(self, text: str) -> EntryQuerySet:
        """``matching(text)``, the best first: annotates ``rank``, a number, and orders by it and the key."""
        terms, key = query_terms(text), name_key(text)
        if not terms:
            return self.none()
        rank = Case(
            When(search_text__startswith=f"{NAME}{key}{NAME}", then=Rank.NAME),
            When(search_text__startswith=f"{NAME}{key}", then=Rank.NAME_BEGINS),
            When(_all_marked(NAME, terms), then=Rank.IN_NAME),
            When(_all_marked(TITLE, terms), then=Rank.IN_TITLE),
            When(_all_marked(TAG, terms), then=Rank.IN_TAGS),
            default=Rank.ELSEWHERE,
            output_field=IntegerField(),
        )
        return self.matching(text).annotate(rank=rank).order_by("rank", "id")

    def also_in_another_source(self) -> EntryQuerySet:
        """Entries whose type and content an enabled source with a lower id has as well."""
        other = self.model.objects.filter(
            type=OuterRef("type"),
            content_oid=OuterRef("content_oid"),
            presence="present",
            source__enabled=True,
            source_id__lt=OuterRef("source_id"),
        )
        return self.filter(Exists(other))


class SourceTagQuerySet(QuerySet["SourceTag"]):
    def for_user(self, user: Any) -> SourceTagQuerySet:
        """The tags this user may see. Today all; the place to narrow ownership later."""
        return self

    def present(self) -> SourceTagQuerySet:
        return self.filter(gone_at__isnull=True)

    def waiting(self) -> SourceTagQuerySet:
        """Tags that are there and that nobody has decided on."""
        return self.present().filter(status="pending")


def _all_marked(mark: str, terms: tuple[Term, ...]) -> Q:
    """Every term is found among the words of one field."""
    condition = Q()
    for term in terms:
        either = Q()
        for words in term:
            either |= Q(*[Q(search_text__contains=mark + word) for word in words])
        condition &= either
    return condition
