"""The index of ``CatalogEntry.search_text``, and the question put to it: the one place where the databases differ.

SQLite has an FTS5 table beside the entries, kept by triggers; PostgreSQL a generated column with the words as lexemes
and a GIN index of it. Neither cuts words by itself: the words are the domain's on both, so both find the same.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Lookup

from marketplace.domain.search import MARKS, Term

ENTRIES = "marketplace_catalogentry"
INDEX = "marketplace_entrysearch"

# The `ascii` tokenizer takes every character above U+007F for one of a word, and the marks for separators. Neither
# positions nor lengths are kept: nothing asks for phrases, and rank is ours. Short beginnings have their own index:
# without it `name-00` merges the rows of every word that begins with "name".
_FTS = (
    f"CREATE VIRTUAL TABLE {INDEX} USING fts5(search_text, content='{ENTRIES}', content_rowid='id', "
    "tokenize=\"ascii tokenchars '+#'\", detail=none, columnsize=0, prefix='2 3 4')"
)
_ADD = f"INSERT INTO {INDEX}(rowid, search_text) VALUES (new.id, new.search_text);"  # noqa: S608 - constants
_TAKE = f"INSERT INTO {INDEX}({INDEX}, rowid, search_text) VALUES ('delete', old.id, old.search_text);"  # noqa: S608
_TRIGGERS = {
    f"{INDEX}_insert": f"AFTER INSERT ON {ENTRIES} BEGIN {_ADD} END",
    f"{INDEX}_delete": f"AFTER DELETE ON {ENTRIES} BEGIN {_TAKE} END",
    f"{INDEX}_update": (
        f"AFTER UPDATE OF search_text ON {ENTRIES} WHEN old.search_text <> new.search_text BEGIN {_TAKE} {_ADD} END"
    ),
}
_REBUILD = f"INSERT INTO {INDEX}({INDEX}) VALUES ('rebuild')"  # noqa: S608


# A column and not an index of an expression: where a word is in most rows, PostgreSQL reads them all and would compute
# the expression of each. Django does not know the column and never names it.
_LEXEMES = "search_lexemes"
_COLUMN = (
    f"ALTER TABLE {ENTRIES} ADD COLUMN {_LEXEMES} tsvector GENERATED ALWAYS AS "
    f"(array_to_tsvector(string_to_array(translate(search_text, '{MARKS}', ''), ' '))) STORED"
)


class FindsWords(Lookup):
    """``queryset.filter(FindsWords(F("search_text"), terms))``: rows that have every term, found by the index."""

    lookup_name = "finds_words"
    prepare_rhs = False
    output_field = BooleanField()
    begins = ""
    """What keeps SQLite from beginning with the rows that are found."""

    def __init__(self, lhs: F, rhs: tuple[Term, ...]) -> None:
        super().__init__(lhs, rhs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        table = compiler.quote_name_unless_alias(self.lhs.alias)
        if connection.vendor == "postgresql":
            # Terms hold letters, digits, + and #: nothing in them ends a quoted lexeme.
            return f"{table}.{_LEXEMES} @@ %s::tsquery", (_asked(self.rhs, "'{}':*", " & ", " | "),)
        found = f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s"  # noqa: S608 - constants
        return f"{self.begins}{table}.id IN ({found})", (_asked(self.rhs, '"{}"*', " AND ", " OR "),)


class FindsCommonWords(FindsWords):
    """The same rows, for words that very many have: the list's order is followed until a page is full of them.

    SQLite would begin with all that are found, and sort them.
    """

    lookup_name = "finds_common_words"
    begins = "+"


def found_beyond(connection: BaseDatabaseWrapper, terms: tuple[Term, ...], number: int) -> bool:
    """Whether more than ``number`` entries have every term. Stops reading the index there."""
    if connection.vendor == "postgresql":
        found = f"SELECT 1 FROM {ENTRIES} WHERE {_LEXEMES} @@ %s::tsquery LIMIT %s"  # noqa: S608 - constants
        asked = _asked(terms, "'{}':*", " & ", " | ")
    else:
        found = f"SELECT 1 FROM {INDEX} WHERE {INDEX} MATCH %s LIMIT %s"  # noqa: S608 - constants
        asked = _asked(terms, '"{}"*', " AND ", " OR ")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({found}) AS found", [asked, number + 1])  # noqa: S608
        return bool(cursor.fetchone()[0] > number)


def _asked(terms: tuple[Term, ...], word: str, every: str, either: str) -> str:
    """Terms in the language of an index."""
    return every.join(
        f"({either.join(f'({every.join(word.format(text) for text in words)})' for words in term)})" for term in terms
    )


def create_index(connection: BaseDatabaseWrapper) -> None:
    """Make the index and fill it from ``search_text``."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_COLUMN)
            cursor.execute(f"CREATE INDEX {INDEX} ON {ENTRIES} USING gin ({_LEXEMES})")
        else:
            cursor.execute(_FTS)
    restore_triggers(connection)


def drop_index(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {ENTRIES} DROP COLUMN {_LEXEMES}")  # and its index with it
            return
        for name in _TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(f"DROP TABLE {INDEX}")


def restore_triggers(connection: BaseDatabaseWrapper) -> None:
    """Make the triggers that are missing where there is an index, and fill it anew if there were any.

    Changing a column on SQLite means a new table in the place of the old one, and triggers go with the old.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE %s", [f"{INDEX}%"])
        known = {name for (name,) in cursor.fetchall()}
        missing = _TRIGGERS.keys() - known
        if INDEX not in known or not missing:
            return
        for name in missing:
            cursor.execute(f"CREATE TRIGGER {name} {_TRIGGERS[name]}")
        cursor.execute(_REBUILD)
