"""Reading a document: bytes to data that can be stored. Never raises, never drops a file silently.

``parse_document`` depends on nothing but the kind and the bytes, so its answer is kept per content id for all sources;
PARSER_VERSION changes whenever the answer to the same bytes does.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from skillmeat_site.core.documents.jsonable import CLEANED, NOTES, to_jsonable
from skillmeat_site.core.documents.text import clean_text
from skillmeat_site.core.documents.types import DocumentKind, Parsed, Warned
from skillmeat_site.core.documents.yaml_head import read_head

PARSER_VERSION: Final = 2

MAX_DOCUMENT_BYTES: Final = 256 * 1024

ARGUMENTS_MARK: Final = "$ARGUMENTS"
"""Where a command puts what the user typed behind it: only commands and skills hold it."""
PLUGIN_ROOT_MARK: Final = "${CLAUDE_PLUGIN_ROOT}"
"""The folder a plugin was installed to: what names it does not work without its plugin."""

_MARKS = (ARGUMENTS_MARK, PLUGIN_ROOT_MARK)

_LFS_MARK = b"version https://git-lfs.github.com/spec/v1\n"
_MAX_LFS_POINTER = 1024
"""The specification of Git LFS: a pointer begins with its version and is shorter than this."""

_HEAD = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)


def parse_document(kind: DocumentKind, data: bytes) -> Parsed:
    """Read a Markdown head or a JSON object.

    The result's ``data`` holds only JSON values without U+0000 and lone surrogates, at most 32 levels deep. Warnings:
    ``manifest_too_large`` and ``lfs_pointer`` (not read at all), ``not_utf8`` (read as Latin-1), ``yaml_invalid``
    (read key by key), ``frontmatter_unclosed``, ``json_invalid`` (no data), ``text_cleaned``, ``value_cut``.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        detail = f"{len(data):,} bytes; at most {MAX_DOCUMENT_BYTES:,} are read"
        return Parsed(warnings=(Warned("manifest_too_large", detail),))
    if data.startswith(_LFS_MARK) and len(data) < _MAX_LFS_POINTER:
        detail = "the repository holds only a pointer of Git LFS; keep the file in git itself to have it read"
        return Parsed(warnings=(Warned("lfs_pointer", detail),))
    text, decoding = _decode(data)
    parsed = _read_json(text) if kind is DocumentKind.JSON else _read_markdown(text)
    if not decoding:
        return parsed
    return Parsed(parsed.data, parsed.has_head, parsed.marks, (*decoding, *parsed.warnings))


def _decode(data: bytes) -> tuple[str, tuple[Warned, ...]]:
    """Return the text with ``\\n`` line ends and no byte-order mark; as Latin-1, which fits all, where not UTF-8."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text, warnings = data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        detail = f"byte {error.start} is not UTF-8; read as Latin-1"
        return _newlines(data.decode("latin-1")), (Warned("not_utf8", detail),)
    return _newlines(text), warnings


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_markdown(text: str) -> Parsed:
    head = _HEAD.match(text)
    if head is None:
        unclosed = text.startswith("---\n")
        warnings = (Warned("frontmatter_unclosed", "the head has no closing --- line"),) if unclosed else ()
        return Parsed(marks=_marks(text), warnings=warnings)
    # YAML has no place for U+0000 at all: taken out first, the rest of the head reads as it should.
    cleaned = clean_text(head[1])
    value, problem = read_head(cleaned)
    said = [Warned("yaml_invalid", problem)] if problem else []
    if value is None:
        value = {}
    if not isinstance(value, dict):
        said.append(Warned("yaml_invalid", "the head is not a list of keys and values"))
        value = {}
    data, notes = _storable(value, {CLEANED} if cleaned != head[1] else set())
    return Parsed(data, has_head=True, marks=_marks(text[head.end() :]), warnings=(*said, *notes))


def _read_json(text: str) -> Parsed:
    try:
        value = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
        if not isinstance(value, dict):
            raise ValueError(f"the document is not an object but {type(value).__name__}")
    except (ValueError, RecursionError) as error:
        return Parsed(warnings=(Warned("json_invalid", str(error)[:200]),))
    data, notes = _storable(value, set())
    return Parsed(data, marks=_marks(text), warnings=notes)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object. Raises ValueError where a key stands twice: readers disagree on which of them counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _storable(value: Mapping[str, Any], notes: set[str]) -> tuple[dict[str, Any], tuple[Warned, ...]]:
    """Return ``value`` fit to be stored, and a warning for each of ``notes`` and for what had to be changed now."""
    data = to_jsonable(value, notes)
    return data, tuple(Warned(note, NOTES[note]) for note in sorted(notes))


def _marks(body: str) -> tuple[str, ...]:
    return tuple(mark for mark in _MARKS if mark in body)
