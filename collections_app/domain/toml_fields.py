"""Reading typed fields out of a TOML table, each error naming its place; and writing values sorted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import tomli
import tomlkit

from collections_app.errors import ManifestInvalid

FORMAT = 2
"""The format that is written: a top-level key of both files. SkillMeat 1.x has none."""

MAX_BYTES = 64 * 1024 * 1024
_DEPTH = 40
_WORDS = {
    dict: "a table",
    list: "an array",
    str: "text",
    int: "a whole number",
    bool: "true or false",
    float: "a number",
}


class Fields:
    """The fields of one table that were not taken yet. ``rest`` is what nobody asked for."""

    def __init__(self, table: object, place: str) -> None:
        self.place = place
        self.rest: dict[str, Any] = dict(_typed(table, dict, place))

    def wrong(self, name: str, why: str) -> ManifestInvalid:
        """The error for one field."""
        return ManifestInvalid(f"{self.place}: {name}: {why}")

    def _take(self, name: str, kind: type) -> Any:
        value = self.rest.pop(name, None)
        if value is None or type(value) is kind:  # the place is only spelled out where it is needed
            return value
        return _typed(value, kind, f"{self.place}: {name}")

    def text(self, name: str) -> str | None:
        """A text, or None where there is none or an empty one."""
        return self._take(name, str) or None

    def needed(self, name: str) -> str:
        """A text that must be there and not be empty."""
        value = self.text(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of texts; empty where there is none."""
        found = self._take(name, list)
        if not found:
            return ()
        return tuple(_typed(item, str, f"{self.place}: {name}[{number}]") for number, item in enumerate(found))

    def table(self, name: str) -> dict[str, Any]:
        """A table; empty where there is none."""
        return self._take(name, dict) or {}

    def time(self, name: str) -> datetime | None:
        """A time, as a text in ISO 8601 (1.x) or of TOML's own kind; a naive one is UTC."""
        value = self.rest.pop(name, None)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise self.wrong(name, f"{value[:40]!a} is no time") from None
        if value is None:
            return None
        if not isinstance(value, datetime):
            raise self.wrong(name, "is no time")
        try:
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        except OverflowError:
            raise self.wrong(name, "is out of the calendar") from None

    def needed_time(self, name: str) -> datetime:
        """A time that must be there."""
        value = self.time(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value


def _typed(value: object, kind: type, place: str) -> Any:
    if type(value) is not kind:
        found = _WORDS.get(type(value), "a time")
        raise ManifestInvalid(f"{place}: {found} where {_WORDS[kind]} is due")
    return value


def load(raw: bytes, file: str) -> tuple[Fields, int]:
    """The top level of a file and its format (1 where it names none), the key ``format`` taken.

    Raises ``manifest_invalid``: too large, no UTF-8, no TOML, a format that is newer or none.
    """
    if len(raw) > MAX_BYTES:
        raise ManifestInvalid(f"{file} is larger than {MAX_BYTES} bytes")
    try:
        document = tomli.loads(raw.decode().removeprefix("\ufeff"), parse_float=_number)
    except UnicodeDecodeError as error:
        raise ManifestInvalid(f"{file} is not UTF-8 (byte {error.start})") from None
    except tomli.TOMLDecodeError as error:
        raise ManifestInvalid(f"{file} is no TOML: {error}") from None
    except (RecursionError, ValueError):  # ValueError: a number of more digits than Python reads
        raise ManifestInvalid(f"{file} is no TOML that can be read") from None
    _check_plain(document, file, 0)
    fields = Fields(document, file)
    number = fields.rest.pop("format", 1)
    if type(number) is not int or number < 1:
        raise fields.wrong("format", "is no format")
    if number > FORMAT:
        raise fields.wrong("format", f"{number} is newer than {FORMAT}: a newer SkillMeat wrote it")
    return fields, number


def _number(text: str) -> float:
    """NaN is always the same object, and so equal to itself inside tables: two readings of one file are equal."""
    number = float(text)
    return math.nan if math.isnan(number) else number


def _check_plain(value: object, place: str, depth: int) -> None:
    """Refuse what could be read and not be written back."""
    if depth > _DEPTH:
        raise ManifestInvalid(f"{place}: tables within tables, more than {_DEPTH} deep")
    if isinstance(value, dict):
        for key, item in value.items():
            if type(item) is not str:  # nearly all are
                _check_plain(item, f"{place}: {key[:40]}", depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_plain(item, place, depth + 1)
    elif type(value) is int and not -(2**63) <= value < 2**63:
        raise ManifestInvalid(f"{place}: a number of more than 64 bits")


def shown_time(value: datetime | None) -> str | None:
    """A time as 1.x writes it, with its zone."""
    return None if value is None else value.astimezone(UTC).isoformat()


def line(key: str, value: object) -> str:
    """``key = value``, tables within inline and sorted."""
    return f"{_key(key)} = {_inline(value)}\n"


def block(title: str, own: Mapping[str, object], extra: Mapping[str, object]) -> str:
    """A table, or one item of an array of tables, under its header.

    Of our ``own`` fields None and empty ones are left out; ``extra``, those of others, are given as they are.
    """
    kept = {key: value for key, value in own.items() if value not in (None, "", ())}
    return f"\n{title}\n" + lines({**extra, **kept})


def lines(fields: Mapping[str, object]) -> str:
    """A line for each field, sorted by key."""
    return "".join(line(key, fields[key]) for key in sorted(fields))


def header(*path: str) -> str:
    """The header of a table."""
    return f"[{'.'.join(_key(part) for part in path)}]"


def _key(key: str) -> str:
    return tomlkit.key(key).as_string() if _is_bare(key) else _text(key)


def _is_bare(key: str) -> bool:
    return bool(key) and key.isascii() and key.replace("-", "_").replace("_", "a").isalnum()


_PLAIN = re.compile(r"[ !#-\[\]-~]*")  # what needs no escape: most texts, and twice as fast


def _text(value: str) -> str:
    return f'"{value}"' if _PLAIN.fullmatch(value) else tomlkit.string(value).as_string()


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_inline(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | int | float | datetime | date | time):
        return tomlkit.item(value).as_string()
    raise TypeError(f"no TOML for {type(value).__name__}")
