"""The one cutter of words: what a text is found by, what a query asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.search import (
    MARKS,
    MAX_TERMS,
    MAX_WORD,
    MAX_WORDS,
    document_words,
    entry_words,
    name_key,
    query_terms,
)

EMPTY = {"name": "", "title": "", "tags": [], "namespace": "", "path": "", "description": ""}


def finds(query: str, text: str) -> bool:
    """What both databases do, word by word."""
    words = document_words(text)

    def has(word: str) -> bool:
        return any(known.startswith(word) for known in words)

    terms = query_terms(query)
    return bool(terms) and all(any(all(has(word) for word in words) for words in term) for term in terms)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("Reads PDF files, reads", "reads pdf files"),
        ("node.js", "nodejs js"),
        ("my-node.js_helper", "mynodejshelper nodejshelper jshelper helper"),
        ("c C++ C# F#", "c c++ c# f#"),
        ("C++17 a+b #1 issue#2", "c++ 17 a b 1 issue# 2"),
        ("createPullRequest XMLParser OAuth2", "createpullrequest pullrequest request xmlparser parser oauth2 auth2"),
        ("plugins/p1:x\\y", "plugins p1 x y"),
        ("Café STRASSE straße ＡＢＣ", "cafe strasse abc"),
        ("İstanbul ISI ısı", "istanbul isi ısı"),
        ("管理文档 x", "管理 理文 文档 档 x"),
        ("がカード", "がカ カー ード ド"),
        ("한국어 문서", "한국어 문서"),
        ("'quoted' \"x\" 100%_off * -y \x00 \ud800 🚀", "quoted x 100 off y"),
        ("x" * 100, "x" * MAX_WORD),
    ],
)
def test_words_of_a_text(text, words):
    assert document_words(text) == words.split()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("node.js", "uses nodejs"),
        ("nodejs", "uses Node.js"),
        ("NodeJS", "my-node.js-helper"),
        ("node", "node.js"),
        ("js", "node.js"),
        ("pdf-reader", "PDF reader"),
        ("pdf-reader", "PdfReader"),
        ("pdfreader", "pdf_reader"),
        ("pdf rea", "reader of PDF"),
        ("c++", "C++17"),
        ("c", "C++"),
        ("cafe", "CAFÉ"),
        ("CAFÉ", "cafe"),
        ("istanbul", "İSTANBUL"),
        ("文档", "管理文档"),
        ("档", "管理文档"),
        ("管", "管理文档"),
        ("理文档", "管理文档"),
        ("한국", "한국어"),
        ('"pdf" AND -x* NEAR(y)', "x y pdf and near"),
        ("x" * 10_000, "x" * MAX_WORD),
    ],
)
def test_found(query, text):
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "anything"),
        ("- * % _ ' \" 🚀 \x00", "anything - * %"),
        ("c++", "c"),
        ("c#", "c++"),
        ("eader", "reader"),
        ("pdf xls", "pdf"),
        ("文管", "管理文档"),
        ("ısı", "isi"),
    ],
)
def test_not_found(query, text):
    assert not finds(query, text)


def test_a_query_is_bounded():
    assert len(query_terms(" ".join(f"w{n}" for n in range(900)))) == MAX_TERMS
    assert len(query_terms("a " * 5_000)) == 1
    long = query_terms(".".join("abcdefghij" * 30))
    assert max(len(words) for term in long for words in term) <= MAX_TERMS


def test_a_text_is_bounded():
    words = document_words(" ".join(map(str, range(100_000))))
    assert len(words) == MAX_WORDS
    assert len(document_words("-".join(["ab"] * 100_000))) <= MAX_WORDS


def test_words_of_an_entry():
    columns = EMPTY | {
        "name": "pdf-reader", "title": "PDF forms", "tags": ["office", 7], "namespace": "team",
        "path": "skills/pdf-reader", "description": "Reads forms.",
    }  # fmt: skip
    assert entry_words(columns) == "=pdfreader= =pdfreader =reader :pdf :forms @office @7 team skills reads"
    assert entry_words(EMPTY) == ""
    assert entry_words(EMPTY | {"name": "🚀", "title": "x"}) == ":x"
    assert name_key("PDF Reader") == name_key("pdf_reader") == "pdfreader"


def harmless(char: str) -> bool:
    """Ideographs that are newer than this Python's tables are no letters to it, and harm nothing."""
    return char.isalnum() or char in "+#" or ord(char) >= 0x20000 or "\u4e00" <= char <= "\ufaff"


@given(st.text(max_size=300))
def test_every_word_of_a_text_finds_it(text):
    for word in document_words(text):
        assert finds(word, text)


@given(st.text(max_size=300), st.integers(1, 30))
def test_every_beginning_of_a_word_finds_the_text(text, length):
    for word in document_words(text):
        assert finds(word[:length], text)


@given(st.text(max_size=300))
def test_a_text_finds_itself_if_it_has_words(text):
    assert finds(text, text) == bool(document_words(text))


@given(st.builds(dict, **{name: st.text() for name in EMPTY if name != "tags"}, tags=st.lists(st.text())))
def test_no_word_holds_what_an_index_would_read_as_syntax(columns):
    """Neither an empty lexeme, nor a quote, nor a mark but in front."""
    text = entry_words(columns)
    assert text == " ".join(text.split())
    for word in text.split():
        bare = word.strip(MARKS)
        assert bare
        assert all(map(harmless, bare)), bare
    for term in query_terms(columns["name"]):
        for words in term:
            assert words
            for word in words:
                assert word
                assert len(word) <= MAX_WORD
                assert all(map(harmless, word))
