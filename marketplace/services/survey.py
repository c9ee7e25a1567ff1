"""From a commit to its artifacts: listing, documents, detection. Reads only; shared by rescans and by ``detect``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from marketplace.domain.detector import detect, wanted
from marketplace.domain.doubts import Doubts, doubts_of
from marketplace.domain.tree_index import index_of
from marketplace.domain.types import Detected, DetectionOptions, Wanted
from marketplace.services.documents import Documents
from skillmeat_site.core.documents.types import DocumentKind, Warned
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.types import Listing

Known = Callable[[Sequence[Wanted]], Documents]
Fetch = Callable[[Sequence[Wanted]], Documents]

MAX_ROUNDS = 3
"""Manifests name files, whose content may be asked for in turn; more rounds than this would be a loop."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a listing holds. ``warnings`` are about the whole: the listing's own and the detector's."""

    artifacts: tuple[Detected, ...]
    warnings: tuple[Warned, ...]
    doubts: Doubts


def survey(listing: Listing, options: DetectionOptions, *, known: Known, fetch: Fetch, report: Report) -> Survey:
    """Detect with every document the rules ask for: the known ones, and the others in one upstream batch as a rule."""
    report.progress(0, 0, f"detecting in {len(listing.items)} paths")
    index = index_of(listing.items, listing.tree_oid)
    documents: Documents = {}
    for _ in range(MAX_ROUNDS):
        asked = wanted(index, options, documents)
        if not asked:
            break
        remembered = known(asked)
        documents |= remembered
        documents |= fetch([want for want in asked if (want.oid, want.kind) not in remembered])
        if not any(want.kind is DocumentKind.JSON for want in asked):
            break  # only a manifest names further files
    detection = detect(index, options, documents, root_tree_oid=listing.tree_oid)
    told = tuple(Warned(warning.code, warning.detail, warning.path) for warning in listing.warnings)
    return Survey(detection.artifacts, told + detection.warnings, doubts_of(listing.items, documents))
