"""Words: what a catalog entry can be found by, and what a query asks for, cut by one cutter.

A word is a run of letters and digits without case and accents; ``++`` or ``#`` behind it belongs to it (``c++``).
Pieces joined by ``-``, ``_``, ``.`` or a hump make a compound, indexed from each piece to its end: ``my-node.js`` as
``mynodejs``, ``nodejs``, ``js``. A query's word finds by prefix, so that ``node.js``, ``nodejs``, ``NodeJS`` and
``node`` all find it. Chinese and Japanese have no spaces: their runs are indexed as pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

MAX_WORD = 64
"""Characters of a word that count, on both sides alike."""
MAX_WORDS = 2_000
"""Different words of a field that are indexed: more than a description of 4,000 characters has, pairs apart."""
MAX_QUERY = 1_000
"""Characters of a query that are read."""
MAX_TERMS = 16
"""Terms of a query that count: more of them could only narrow what is left to nothing."""

NAME, TITLE, TAG = "=", ":", "@"
"""Stand in front of the words of a field that ranks. No word holds them and no index keeps them."""
MARKS = NAME + TITLE + TAG

Term = tuple[tuple[str, ...], ...]
"""Alternatives, of which one has to be there: each some words, all of which have to be."""

_PAIRED = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"  # iteration marks, kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs
)
_PIECE = rf"[^\W_{_PAIRED}]+(?:\+\+|\#)?"
_COMPOUND = re.compile(rf"[{_PAIRED}]+|{_PIECE}(?:[._-]{{1,2}}{_PIECE})*")
_PIECES = re.compile(_PIECE)
_PAIRED_FIRST = re.compile(rf"[{_PAIRED}]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ACCENTS = re.compile("[\u0300-\u036f]")


def entry_words(columns: Mapping[str, Any]) -> str:
    """The words of an entry with these columns, a space between any two, those of name, title and tags marked.

    Begins with ``=key=``, the whole name as one word, where the name has a word in it.
    """
    whole = name_key(columns["name"])
    parts = [f"{NAME}{whole}{NAME}"] if whole else []
    seen: set[str] = {whole}
    tags = " ".join(map(str, columns["tags"]))
    for mark, text in ((NAME, columns["name"]), (TITLE, columns["title"]), (TAG, tags)):
        words = document_words(text)
        seen.update(words)
        parts += [mark + word for word in words]
    others = " ".join(columns[name] for name in ("namespace", "path", "description"))
    parts += [word for word in document_words(others) if word not in seen]
    return " ".join(parts)


def name_key(text: str) -> str:
    """A name without what separates its words: ``PDF-Reader`` and ``pdf reader`` have the same."""
    compounds = _COMPOUND.findall(_folded(text))
    return "".join(word if _is_paired(word) else "".join(_PIECES.findall(word)) for word in compounds)[:MAX_WORD]


def document_words(text: str) -> list[str]:
    """The words that ``text`` is found by, each once, in its order, at most MAX_WORDS."""
    words: dict[str, None] = {}
    for compound in _COMPOUND.findall(_folded(_HUMP.sub("_", text))):
        if compound.isascii() and compound.isalnum():  # nine words of ten: a scan cuts millions
            words[compound[:MAX_WORD]] = None
        else:
            words.update(dict.fromkeys(_pairs(compound, last=True) if _is_paired(compound) else _ends(compound)))
        if len(words) >= MAX_WORDS:
            break
    return list(words)[:MAX_WORDS]


def query_terms(text: str) -> tuple[Term, ...]:
    """What an entry has to have to be found, each term once, at most MAX_TERMS. Never raises.

    Empty for a text without a word in it: that asks for nothing, and finds nothing.
    """
    terms: dict[Term, None] = {}
    for compound in _COMPOUND.findall(_folded(text[:MAX_QUERY])):
        terms[_term(compound)] = None
        if len(terms) == MAX_TERMS:
            break
    return tuple(terms)


def _term(compound: str) -> Term:
    if _is_paired(compound):
        return (tuple(dict.fromkeys(_pairs(compound[:MAX_WORD], last=False))),)
    pieces = _PIECES.findall(compound)
    joined = "".join(pieces)[:MAX_WORD]
    apart = tuple(dict.fromkeys(piece[:MAX_WORD] for piece in pieces[:MAX_TERMS]))
    return ((joined,),) if apart == (joined,) else ((joined,), apart)


def _is_paired(compound: str) -> bool:
    """Whether it is of a script that is indexed by pairs."""
    return _PAIRED_FIRST.match(compound) is not None


def _folded(text: str) -> str:
    """Without case, accents and differences of width; ``İstanbul`` becomes ``istanbul``."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", plain)))


def _ends(compound: str) -> Iterator[str]:
    """From each piece to the end of its compound."""
    pieces = _PIECES.findall(compound)
    for start in range(len(pieces)):
        # A piece has a character at least: what lies further away is cut off anyway.
        yield "".join(pieces[start : start + MAX_WORD])[:MAX_WORD]


def _pairs(run: str, *, last: bool) -> Iterator[str]:
    """Overlapping pairs, and the last character by itself, so that a prefix finds any character."""
    for start in range(len(run) if last or len(run) == 1 else len(run) - 1):
        yield run[start : start + 2]
