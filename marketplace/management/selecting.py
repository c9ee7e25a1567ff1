"""Which sources and entries a command means."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q
from django.utils import timezone

from marketplace.domain.types import ArtifactType
from marketplace.models import CatalogEntry, Source
from marketplace.querysets import EntryQuerySet, EntryStatus, SourceQuerySet
from marketplace.services.sources import source_ref
from skillmeat_site.core.errors import DomainError, NotFound
from skillmeat_site.core.globs import glob_expression
from skillmeat_site.core.results import ItemOutcome
from skillmeat_site.core.upstreams import access_policy
from skillmeat_site.upstream.address import parse_url

USAGE = 2


@dataclass(frozen=True, slots=True)
class SelectedSources:
    """``unknown`` and ``skipped`` are finished rows of the answer; ``sources`` are to be worked on."""

    sources: list[Source]
    rows: list[dict[str, Any]]


def add_source_options(parser: ArgumentParser) -> None:
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="id, URL, path or owner/name")
    parser.add_argument("--all", action="store_true", help="all enabled sources that are not backing off")
    parser.add_argument("--stale", type=float, metavar="HOURS", help="those not scanned for so long")
    parser.add_argument("--tag", action="append", default=[], help="those with this tag")


def select_sources(options: Mapping[str, Any]) -> SelectedSources:
    """Named sources are taken as they are; a sweep leaves out disabled ones, and those that back off, and says so."""
    named = options["sources"]
    sweeps = options["all"] or options["stale"] is not None or bool(options["tag"])
    if bool(named) == sweeps:
        raise CommandError("Name sources, or choose them by --all, --stale or --tag.", returncode=USAGE)
    return _named(named) if named else _swept(options)


def find_sources(text: str) -> SourceQuerySet:
    """The sources a word means: an id, a URL or path in any spelling, or ``owner/name``."""
    if text.isdecimal():
        return Source.objects.filter(pk=int(text)) if len(text) < 19 else Source.objects.none()
    wanted = Q()
    if re.fullmatch(r"[^/:\s]+/[^/:\s]+", text) and not text.startswith("."):
        owner, _, name = text.partition("/")
        wanted = Q(owner__iexact=owner, name__iexact=name)
    try:
        wanted |= Q(url_key=parse_url(text, access_policy()).key)
    except DomainError:
        if not wanted:
            raise
    return Source.objects.filter(wanted)


def _named(words: Iterable[str]) -> SelectedSources:
    sources: dict[int, Source] = {}
    rows = []
    for word in words:
        try:
            found = list(find_sources(word).order_by("pk"))
            if not found:
                raise NotFound(f"There is no source {word!r}.")
            sources.update({source.pk: source for source in found})
        except DomainError as error:
            rows.append({"label": word, "outcome": "failed", "code": error.code, "detail": error.detail})
    return SelectedSources(list(sources.values()), rows)


def _swept(options: Mapping[str, Any]) -> SelectedSources:
    chosen = Source.objects.filter(enabled=True).order_by("pk")
    if options["stale"] is not None:
        before = timezone.now() - timedelta(hours=options["stale"])
        chosen = chosen.filter(Q(last_scanned_at__isnull=True) | Q(last_scanned_at__lt=before))
    for tag in options["tag"]:
        chosen = chosen.filter(tags__has_word=tag.lower())
    ready = set(chosen.sweepable().values_list("pk", flat=True))
    everyone = list(chosen)
    rows = [
        {
            "source_id": source.pk,
            "label": source_ref(source).label,
            "outcome": ItemOutcome.SKIPPED.value,
            "code": "backing_off",
            "detail": f"Failed with {source.last_error_code}; not before {source.not_before:%Y-%m-%d %H:%M} UTC.",
        }
        for source in everyone
        if source.pk not in ready
    ]
    return SelectedSources([source for source in everyone if source.pk in ready], rows)


def add_entry_options(parser: ArgumentParser) -> None:
    types = [type_.value for type_ in ArtifactType]
    parser.add_argument("--source", action="append", default=[], help="id, URL or owner/name; repeatable")
    parser.add_argument("-t", "--type", "--artifact-type", action="append", default=[], choices=types, dest="types")
    parser.add_argument("-n", "--name-pattern", help="glob over the name")
    parser.add_argument("-q", "--query", help="words of name, title, description, path or tags; the best come first")
    parser.add_argument("--status", action="append", default=[], choices=[status.value for status in EntryStatus])
    parser.add_argument("--include", action="append", default=[], choices=["removed", "excluded", "duplicate"])
    parser.add_argument(
        "--update-available", action="store_true", help="those imported from other content than there is now"
    )


def select_entries(options: Mapping[str, Any], among: EntryQuerySet | None = None) -> EntryQuerySet:
    """The entries, of all or of ``among``, that the filters leave; hidden kinds only where asked for."""
    entries = CatalogEntry.objects.for_list() if among is None else among
    entries = entries.order_by("source_id", "type", "path", "pk")
    if options["source"]:
        wanted: list[int] = []
        for word in options["source"]:
            found = list(find_sources(word).values_list("pk", flat=True))
            if not found:
                raise NotFound(f"There is no source {word!r}.")
            wanted += found
        entries = entries.filter(source_id__in=wanted)
    if options["types"]:
        entries = entries.filter(type__in=options["types"])
    if options["status"]:
        entries = entries.in_status(*options["status"])
    if options["update_available"]:
        entries = entries.update_available()
    if options["query"] is not None:
        entries = entries.search(options["query"])
    if options["name_pattern"]:
        entries = entries.filter(name__regex=glob_expression(options["name_pattern"]))
    shown = {*options["include"], *options["status"]}
    return entries.visible(**{kind: kind in shown for kind in ("removed", "excluded", "duplicate")})


ENTRY_FILTERS = ("source", "types", "status", "name_pattern", "query", "update_available")


def named_or_chosen(options: Mapping[str, Any], entries: EntryQuerySet, *, all_of_them: bool) -> list[int]:
    """The ids that were given, or those of ``entries`` that the filters leave. Raises CommandError (usage) for both
    or neither; ``all_of_them`` stands for a filter that leaves everything."""
    filtered = all_of_them or any(options[name] for name in ENTRY_FILTERS)
    if bool(options["entries"]) == filtered:
        raise CommandError("Name entries by id, or choose them by filters.", returncode=USAGE)
    if options["entries"]:
        return list(dict.fromkeys(options["entries"]))
    return list(select_entries(options, entries).values_list("pk", flat=True))
