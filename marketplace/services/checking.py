"""Look before you register: what a scan of a repository would find now. Stores nothing but in caches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.domain.types import Wanted
from marketplace.models import Source
from marketplace.services.currency import detection_options
from marketplace.services.documents import MAX_DOCUMENT_BYTES, Documents, document_of, known_documents
from marketplace.services.folders import remember_folders
from marketplace.services.sources import draft_source
from marketplace.services.survey import survey
from marketplace.services.upstreams import address_of, provider_of
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.asked import Asked, asked_meanwhile
from skillmeat_site.upstream.errors import UpstreamTimeout
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import Tick

SECONDS = 25
"""What a person waits for. A repository that takes longer is for a scan, which a worker does."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a repository holds at this moment, as a source with these settings.

    ``ref``: what was read, a branch as a rule; ``default_branch`` where none was asked for. ``counts``: artifacts by
    type, as a scan would enter them. ``complete``: False where the listing is cut off. ``known``: the id of the source
    that is registered for the same repository, ref and folder already.
    """

    url: str
    provider: str
    ref: str
    default_branch: str
    commit: str
    tree_oid: str
    complete: bool
    paths: int
    counts: Mapping[str, int]
    warnings: tuple[Warned, ...]
    asked: Asked
    seconds: float
    known: int | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def check_repository(*, of: Source | None = None, seconds: float = SECONDS, **fields: Any) -> Checked:
    """Read the repository that ``create_source(**fields)`` would register, and tell what a scan would find.

    ``of``: the source that is about to be changed so, which is no other one.
    Refuses what that refuses: raises InvalidUrl, InvalidRef, HostNotAllowed, PathNotAllowed, InvalidParameter,
    ProviderUnavailable; where it cannot be read, UpstreamError by kind, and UpstreamTimeout after ``seconds``.
    Writes no row of the catalog; mirrors and the cache of folders may fill. Not to be called in a transaction.
    """
    began = time.monotonic()
    source = draft_source(**fields)
    tick = _until(began + seconds)
    with asked_meanwhile() as asked:
        address, provider = address_of(source), provider_of(source)
        head = provider.resolve(address, tick=tick)
        tick()  # it is called while somebody waits: here for those that were quick, one after the other
        listing = provider.listing(address, head, tick=tick)

        def fetch(wanted: Sequence[Wanted]) -> Documents:
            if not wanted:
                return {}
            oids = list(dict.fromkeys(want.oid for want in wanted))
            blobs = provider.read(address, head, oids, max_bytes=MAX_DOCUMENT_BYTES, tick=tick)
            return {(want.oid, want.kind): document_of(want, blobs) for want in wanted}

        options = detection_options(source)
        found = survey(listing, options, known=known_documents, fetch=fetch, report=SilentReport())
    remember_folders(listing)
    same = Source.objects.filter(url_key=source.url_key, ref=source.ref, root_hint=source.root_hint)
    registered = (same.exclude(pk=of.pk) if of else same).first()
    return Checked(
        url=source.url,
        provider=_reader(asked),
        ref=head.ref,
        default_branch="" if source.ref or is_oid(head.ref) else head.ref.removeprefix("refs/heads/"),
        commit=head.commit or "",
        tree_oid=listing.tree_oid,
        complete=listing.complete,
        paths=len(listing.items),
        counts=dict(sorted(Counter(artifact.type.value for artifact in found.artifacts).items())),
        warnings=found.warnings,
        asked=asked,
        seconds=time.monotonic() - began,
        known=registered.pk if registered else None,
    )


def _reader(asked: Asked) -> str:
    """Who really read it: of AUTO that is known afterwards."""
    if asked.api:
        return "github+git" if asked.git else "github"
    return "git"


def _until(end: float) -> Tick:
    def tick() -> None:
        if time.monotonic() > end:
            raise UpstreamTimeout("the check took too long; a scan by a worker has more time")

    return tick
