"""The documents that detection asks for: parsed once per content, for all sources; only unknown ones are fetched."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace.domain.types import Wanted
from marketplace.models import Manifest
from skillmeat_site.core.bulk import insert_rows
from skillmeat_site.core.documents.frontmatter import PARSER_VERSION, parse_document
from skillmeat_site.core.documents.types import DocumentKind, Parsed, Warned
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.types import Blobs, Head, Provider, RepositoryAddress, Unread

MAX_DOCUMENT_BYTES = 256 * 1024
"""A larger file is no manifest: it is left unread, with a warning."""

Documents = dict[tuple[str, DocumentKind], Parsed]

_UNREAD = {
    Unread.TOO_LARGE: Warned("manifest_too_large", f"larger than {MAX_DOCUMENT_BYTES} bytes, not read"),
    Unread.MISSING: Warned("manifest_missing", "the repository does not hand the file out"),
}


def known_documents(wanted: Sequence[Wanted]) -> Documents:
    """Those that were parsed before, by any source: one statement."""
    rows = Manifest.objects.filter(
        blob_oid__among=sorted({want.oid for want in wanted}), parser_version=PARSER_VERSION
    ).values_list("blob_oid", "kind", "parsed")
    return {(oid, DocumentKind(kind)): Parsed.from_json(parsed) for oid, kind, parsed in rows}


def fetch_documents(
    provider: Provider, address: RepositoryAddress, head: Head, wanted: Sequence[Wanted], report: Report
) -> Documents:
    """Read and parse what is not known, in one upstream batch, and remember it. Raises UpstreamError by kind."""
    if not wanted:
        return {}
    oids = list(dict.fromkeys(want.oid for want in wanted))
    report.progress(0, 0, f"reading {len(oids)} manifests")
    blobs = provider.read(address, head, oids, max_bytes=MAX_DOCUMENT_BYTES, tick=report.tick)
    documents: Documents = {}
    for number, want in enumerate(wanted):
        if number % 500 == 0:
            report.progress(number, len(wanted), "parsing manifests")
        documents[want.oid, want.kind] = document_of(want, blobs)
    _remember({key: parsed for key, parsed in documents.items() if key[0] in blobs.found})
    return documents


def document_of(want: Wanted, blobs: Blobs) -> Parsed:
    """The document, or an empty one that warns why it could not be read."""
    content = blobs.found.get(want.oid)
    if content is None:
        return Parsed(warnings=(_UNREAD[blobs.unread.get(want.oid, Unread.MISSING)],))
    return parse_document(want.kind, content)


def _remember(documents: Documents) -> None:
    """Another scan may have stored the same content meanwhile: it stored the same."""
    rows = (
        {"blob_oid": oid, "kind": kind.value, "parser_version": PARSER_VERSION, "parsed": parsed.to_json()}
        for (oid, kind), parsed in documents.items()
    )
    insert_rows(Manifest, rows, ("blob_oid", "kind", "parser_version", "parsed"), ignore_conflicts=True)
