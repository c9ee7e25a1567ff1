"""Sources, catalog entries, scan runs."""

from __future__ import annotations

import hashlib
from typing import Any

import factory
from django.utils import timezone

from marketplace.domain.search import entry_words
from marketplace.models import CatalogEntry, ScanRun, Source, SourceTag
from skillmeat_site.core.results import ItemOutcome


def oid(text: str) -> str:
    """A made-up object id, the same for the same text."""
    return hashlib.sha1(text.encode()).hexdigest()


def words_of(entry: Any) -> str:
    """What a scan would write for an entry with these columns."""
    columns = {name: getattr(entry, name, "") for name in ("name", "namespace", "path", "title", "description")}
    return entry_words({**columns, "tags": getattr(entry, "tags", [])})


class SourceFactory(factory.django.DjangoModelFactory):
    """A source that was never scanned."""

    owner = "acme"
    host = "github.com"
    name = factory.Sequence(lambda n: f"tools{n}")
    url = factory.LazyAttribute(lambda source: f"https://{source.host}/{source.owner}/{source.name}")
    url_key = factory.LazyAttribute(lambda source: source.url.lower())

    class Meta:
        model = Source

    class Params:
        scanned = factory.Trait(
            head_commit=oid("commit"),
            tree_oid=oid("tree"),
            listing_complete=True,
            last_scanned_at=factory.LazyFunction(timezone.now),
            last_success_at=factory.LazyFunction(timezone.now),
            counts={"skill": 3, "command": 1},
        )


class CatalogEntryFactory(factory.django.DjangoModelFactory):
    """A skill that is present; ``removed=True`` and ``excluded=True`` make it otherwise."""

    source = factory.SubFactory(SourceFactory)
    type = "skill"
    name = factory.Sequence(lambda n: f"skill{n}")
    path = factory.LazyAttribute(lambda entry: f"skills/{entry.name}")
    file = factory.LazyAttribute(lambda entry: f"{entry.path}/SKILL.md")
    key = factory.LazyAttribute(lambda entry: hashlib.sha256(f"{entry.type}\0{entry.path}\0".encode()).hexdigest())
    content_oid = factory.LazyAttribute(lambda entry: oid(entry.path))
    commit = oid("commit")
    confidence = 95
    basis = "layout"
    fingerprint = ""
    search_text = factory.LazyAttribute(lambda entry: words_of(entry))

    class Meta:
        model = CatalogEntry

    class Params:
        removed = factory.Trait(presence="removed", removed_at=factory.LazyFunction(timezone.now))
        excluded = factory.Trait(excluded_at=factory.LazyFunction(timezone.now), excluded_reason="not wanted")


class ScanRunFactory(factory.django.DjangoModelFactory):
    source = factory.SubFactory(SourceFactory)
    outcome = ItemOutcome.UPDATED
    commit = oid("commit")
    listing_complete = True
    new_count = 2
    unchanged_count = 5
    duration_ms = 1234

    class Meta:
        model = ScanRun


class SourceTagFactory(factory.django.DjangoModelFactory):
    """A tag that a folder suggests, and that waits for a decision; ``gone=True``: its repository has it no more."""

    source = factory.SubFactory(SourceFactory)
    kind = "path"
    value = factory.LazyAttribute(lambda tag: tag.normalized)
    normalized = factory.Sequence(lambda n: f"subject-{n}")
    last_seen_at = factory.LazyFunction(timezone.now)
    decided_at = factory.LazyAttribute(lambda tag: None if tag.status == "pending" else timezone.now())
    status = "pending"

    class Meta:
        model = SourceTag

    class Params:
        gone = factory.Trait(gone_at=factory.LazyFunction(timezone.now))
