"""Listings written as a table of paths, and the documents that go with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from marketplace.domain.detector import detect, detect_layout, wanted
from marketplace.domain.manifests import Documents
from marketplace.domain.types import Detected, Detection, DetectionOptions
from skillmeat_site.core.documents.frontmatter import parse_document
from skillmeat_site.upstream.types import TreeItem

ROOT_OID = "f" * 40
OPTIONS = DetectionOptions(repository_name="repo")


def oid_of(path: str) -> str:
    """The id the helpers give what lies at ``path``: a real one's shape, told apart by path."""
    return hashlib.sha1(path.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def listing(paths: Iterable[str], *, links: Iterable[str] = (), submodules: Iterable[str] = ()) -> list[TreeItem]:
    """A complete listing with these files and every folder above them."""
    modes = dict.fromkeys(paths, "100644") | dict.fromkeys(links, "120000") | dict.fromkeys(submodules, "160000")
    folders = {path[:at] for path in modes for at, sign in enumerate(path) if sign == "/"}
    items = [TreeItem(folder, "040000", oid_of(folder)) for folder in folders]
    items += [TreeItem(path, mode, oid_of(path), 1) for path, mode in modes.items()]
    return sorted(items)


def layout(*paths: str, options: DetectionOptions = OPTIONS, **modes: Iterable[str]) -> Detection:
    """What the paths alone tell."""
    return detect_layout(listing(paths, **modes), options, root_tree_oid=ROOT_OID)


def read(files: Mapping[str, str], options: DetectionOptions = OPTIONS) -> Documents:
    """Every document ``wanted`` asks for until it asks for no more."""
    items = listing(files)
    documents = {}
    while asked := wanted(items, options, documents):
        for want in asked:
            documents[want.oid, want.kind] = parse_document(want.kind, files[want.path].encode())
    return documents


def full(files: Mapping[str, str], options: DetectionOptions = OPTIONS) -> Detection:
    """What paths and contents tell together."""
    return detect(listing(files), options, read(files, options), root_tree_oid=ROOT_OID)


def pairs(detection: Detection) -> set[str]:
    """Findings as ``type path``."""
    return {f"{found.type} {found.path}" for found in detection.artifacts}


def only(detection: Detection, type_: str, path: str | None = None) -> Detected:
    """The one finding of a type (and path). Fails where there is none or another."""
    (found,) = [a for a in detection.artifacts if a.type == type_ and path in (None, a.path)]
    return found


def codes(found: Detected | Detection) -> set[str]:
    """The codes of the warnings."""
    return {warned.code for warned in found.warnings}


def signals(found: Detected) -> set[str]:
    """The names of the signals."""
    return {signal.rpartition(":")[0] for signal in found.signals}
