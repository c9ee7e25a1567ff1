"""Typed readers of the environment. A wrong value stops the start with its name and what is allowed.

Each variable may also be given as ``NAME_FILE``, the path of a file that holds the value (container secrets).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


class Environment:
    """Reads settings from a mapping, normally ``os.environ``; remembers which names were asked for."""

    def __init__(self, source: Mapping[str, str] | None = None) -> None:
        self._source = os.environ if source is None else source
        self.known: dict[str, str] = {}

    def text(self, name: str, default: str = "") -> str:
        self.known.setdefault(name, default)
        file_name = self._source.get(f"{name}_FILE")
        if not file_name:
            return self._source.get(name, default).strip()
        if self._source.get(name):
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; set one of them.")
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read: {file_name}") from error

    def boolean(self, name: str, default: bool) -> bool:
        value = self.text(name, "on" if default else "off").lower()
        if value in TRUE or value in FALSE:
            return value in TRUE
        raise _wrong(name, value, "one of " + ", ".join(sorted(TRUE | FALSE)))

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        value = self._number(name, str(default), int, "a whole number")
        return _within(name, value, minimum, maximum)

    def number(self, name: str, default: float, *, minimum: float, maximum: float) -> float:
        value = self._number(name, str(default), float, "a number")
        return _within(name, value, minimum, maximum)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of a few words, whatever its case; in the spelling of ``allowed``."""
        value = self.text(name, default)
        for word in allowed:
            if value.lower() == word.lower():
                return word
        raise _wrong(name, value, "one of " + ", ".join(allowed))

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """A comma separated list; blanks around the words are dropped, empty words too."""
        return [word.strip() for word in self.text(name, ",".join(default)).split(",") if word.strip()]

    def path(self, name: str, default: Path) -> Path:
        value = Path(self.text(name, str(default))).expanduser()
        if not value.is_absolute():
            raise _wrong(name, str(value), "an absolute path")
        return value

    def paths(self, name: str) -> list[Path]:
        values = [Path(word).expanduser() for word in self.words(name)]
        for value in values:
            if not value.is_absolute():
                raise _wrong(name, str(value), "absolute paths, comma separated")
        return values

    def url(self, name: str, default: str) -> str:
        return self._url(name, self.text(name, default), "a URL that starts with")

    def _url(self, name: str, text: str, allowed: str) -> str:
        value = text.rstrip("/")
        if value and not value.startswith(("https://", "http://")):
            raise _wrong(name, value, f"{allowed} https:// or http://")
        return value

    def url_or_off(self, name: str, default: str) -> str:
        """A URL, or the empty string for the word ``off``; what is set to nothing is not set."""
        self.known.setdefault(name, default)
        value = self.text(name) or default
        return "" if value.lower() == "off" else self._url(name, value, "off, or a URL that starts with")

    def choices(self, name: str, default: tuple[str, ...], allowed: tuple[str, ...]) -> list[str]:
        """At least one of a few words, whatever its case; in the spelling and order of ``allowed``."""
        wanted = {word.lower() for word in self.words(name, default)}
        if not wanted or wanted - {word.lower() for word in allowed}:
            raise _wrong(name, self.text(name), "of " + ", ".join(allowed) + ", comma separated")
        return [word for word in allowed if word.lower() in wanted]

    def mapping(self, name: str, default: Mapping[str, str]) -> dict[str, str]:
        """Words of the form ``key=value``."""
        result = {}
        for word in self.words(name, tuple(f"{key}={value}" for key, value in default.items())):
            key, equals, value = word.partition("=")
            if not (key and equals and value):
                raise _wrong(name, word, "key=value, comma separated")
            result[key.strip()] = value.strip()
        return result

    def _number(self, name: str, default: str, convert: Callable[[str], T], kind: str) -> T:
        value = self.text(name, default)
        try:
            return convert(value)
        except ValueError:
            raise _wrong(name, value, kind) from None


def _within(name: str, value: T, minimum: T, maximum: T) -> T:
    if not minimum <= value <= maximum:  # type: ignore[operator]
        raise _wrong(name, str(value), f"between {minimum} and {maximum}")
    return value


def _wrong(name: str, value: str, allowed: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}={value!r} is not valid: it must be {allowed}.")


env = Environment()
