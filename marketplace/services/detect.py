"""Detection without a source: what a repository, a plain folder or a listing holds. Touches no table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketplace.domain.detector import detect_layout
from marketplace.domain.tree_index import index_of
from marketplace.domain.types import Detected, DetectionOptions, Wanted
from marketplace.services.documents import MAX_DOCUMENT_BYTES, Documents, document_of
from marketplace.services.sources import clean_folder
from marketplace.services.survey import survey
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.upstreams import provider_at, unrestricted_policy
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import PathNotAllowed, UpstreamNotFound
from skillmeat_site.upstream.github_tree import read_github_tree
from skillmeat_site.upstream.local import list_folder, read_folder
from skillmeat_site.upstream.types import Blobs, Listing


@dataclass(frozen=True, slots=True)
class Found:
    commit: str | None
    tree_oid: str
    complete: bool
    artifacts: tuple[Detected, ...]
    warnings: tuple[Warned, ...]


def detect_repository(text: str, *, ref: str = "", root_hint: str = "") -> Found:
    """Detect in a repository's commit; in a folder that is no repository, in its files as they lie there.

    Raises InvalidUrl, InvalidRef, HostNotAllowed, ProviderUnavailable, UpstreamError by kind.
    """
    policy = unrestricted_policy()
    address = parse_url(text, policy, ref=ref)
    path = Path(address.url.removeprefix("file://")) if address.is_local else None
    if path is not None and not path.is_dir():
        raise UpstreamNotFound("There is no such folder, or it may not be read.")
    options = DetectionOptions(root_hint=clean_folder(root_hint), repository_name=address.name)
    if path is not None and not ref and not _is_repository(path):
        listing = list_folder(path)
        items = listing.items
        return _detected(listing, options, lambda oids: read_folder(path, items, oids, max_bytes=MAX_DOCUMENT_BYTES))
    provider = provider_at(address, policy=policy)
    head = provider.resolve(address)
    listing = provider.listing(address, head)
    return _detected(listing, options, lambda oids: provider.read(address, head, oids, max_bytes=MAX_DOCUMENT_BYTES))


def detect_tree(path: Path, *, root_hint: str = "") -> Found:
    """Detect from a listing alone, as GitHub answers ``git/trees?recursive=1``. Raises UpstreamInvalid."""
    try:
        body = path.read_bytes()
    except OSError:
        raise PathNotAllowed("The listing cannot be read.") from None
    listing = read_github_tree(body)
    options = DetectionOptions(root_hint=clean_folder(root_hint))
    detection = detect_layout(index_of(listing.items, listing.tree_oid), options, root_tree_oid=listing.tree_oid)
    return Found(None, listing.tree_oid, listing.complete, detection.artifacts, _told(listing) + detection.warnings)


def _is_repository(path: Path) -> bool:
    """A work tree, or a bare repository."""
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def _detected(listing: Listing, options: DetectionOptions, read: Callable[[Sequence[str]], Blobs]) -> Found:
    def fetch(wanted: Sequence[Wanted]) -> Documents:
        if not wanted:
            return {}
        blobs = read(list(dict.fromkeys(want.oid for want in wanted)))
        return {(want.oid, want.kind): document_of(want, blobs) for want in wanted}

    found = survey(listing, options, known=lambda wanted: {}, fetch=fetch, report=SilentReport())
    return Found(listing.commit or None, listing.tree_oid, listing.complete, found.artifacts, found.warnings)


def _told(listing: Listing) -> tuple[Warned, ...]:
    return tuple(Warned(warning.code, warning.detail, warning.path) for warning in listing.warnings)
