"""Colours of source text, by Pygments: a few classes instead of its many, so that a page stays small.

The text is a stranger's: only well-known lexers are used, on bounded text and for a bounded time (some take seconds
for what was made for that), and a text that one of them would change is shown without colours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import PurePosixPath

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType

MAX_TEXT = 64 * 1024
"""Characters that are coloured at once; a longer text is plain."""
MAX_LINE = 500
"""Characters; a text with a longer line is plain."""
MAX_SECONDS = 0.75
"""For all that is coloured on one page; the rest is plain."""

_BY_SUFFIX = {
    "bash": "bash", "bat": "batch", "c": "c", "cfg": "ini", "cpp": "cpp", "cs": "csharp", "css": "css", "cts": "ts",
    "diff": "diff", "go": "go", "h": "c", "hpp": "cpp", "htm": "html", "html": "html", "ini": "ini", "java": "java",
    "js": "js", "json": "json", "jsonl": "json", "jsx": "jsx", "kt": "kotlin", "lua": "lua", "markdown": "markdown",
    "md": "markdown", "mdx": "markdown", "mjs": "js", "php": "php", "ps1": "powershell", "py": "python",
    "rb": "ruby", "rs": "rust", "scss": "scss", "sh": "bash", "sql": "sql", "svg": "xml", "swift": "swift",
    "toml": "toml", "ts": "ts", "tsx": "tsx", "xml": "xml", "xsd": "xml", "yaml": "yaml", "yml": "yaml", "zsh": "bash",
}  # fmt: skip
_BY_NAME = {"dockerfile": "docker", "makefile": "make", "gemfile": "ruby", "rakefile": "ruby", ".gitignore": "ini"}

_CLASSES = {
    Token.Comment: "c",
    Token.Comment.Preproc: "k",
    Token.Keyword: "k",
    Token.Keyword.Constant: "m",
    Token.Operator.Word: "k",
    Token.Literal.String: "s",
    Token.Literal.Number: "m",
    Token.Literal.Date: "m",
    Token.Name.Attribute: "a",
    Token.Name.Tag: "k",
    Token.Name.Function: "f",
    Token.Name.Class: "f",
    Token.Name.Decorator: "f",
    Token.Name.Builtin: "f",
    Token.Name.Variable: "a",
    Token.Name.Constant: "m",
    Token.Name.Label: "a",
    Token.Generic.Heading: "h",
    Token.Generic.Subheading: "h",
    Token.Generic.Strong: "h",
    Token.Generic.Emph: "e",
    Token.Generic.Inserted: "s",
    Token.Generic.Deleted: "k",
}

Piece = tuple[str, str]
"""A class, "" for none, and its text."""


class Colours:
    """Colours the texts of one page, until its time is up."""

    def __init__(self, seconds: float = MAX_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = clock() + seconds

    def of(self, lines: Sequence[str], path: str) -> list[list[Piece]]:
        """The pieces of each line, given without its end; joined they are the line again.

        ``path`` tells the language. What no lexer is for, or too large, or not done in time, is one piece a line.
        """
        plain = [[("", line)] if line else [] for line in lines]
        text = "\n".join(lines)
        lexer = lexer_of(path)
        if not text or lexer is None or len(text) > MAX_TEXT or any(len(line) > MAX_LINE for line in lines):
            return plain
        pieces = []
        # Not get_tokens: that would normalise line ends and tabs first.
        for _, kind, value in lexer.get_tokens_unprocessed(text):
            if self._clock() > self._until:
                return plain
            pieces.append((_class_of(kind), value))
        if "".join(value for _, value in pieces) != text:
            return plain
        return _by_line(pieces)


def lexer_of(path: str) -> Lexer | None:
    """The lexer of a file by its name; a suffix may also be the whole name of a language."""
    name = PurePosixPath(path).name.lower()
    suffix = name.rpartition(".")[2]
    alias = _BY_NAME.get(name) or _BY_SUFFIX.get(suffix) or (suffix if suffix in _BY_SUFFIX.values() else "")
    return _lexer(alias) if alias else None


@cache
def _lexer(alias: str) -> Lexer:
    return get_lexer_by_name(alias)


@cache
def _class_of(kind: _TokenType) -> str:
    """The class of the nearest kind above that has one."""
    while kind is not Token:
        if kind in _CLASSES:
            return _CLASSES[kind]
        kind = kind.parent
    return ""


def _by_line(pieces: Iterable[Piece]) -> list[list[Piece]]:
    lines: list[list[Piece]] = [[]]
    for name, value in pieces:
        first, *rest = value.split("\n")
        for number, part in enumerate((first, *rest)):
            if number:
                lines.append([])
            if part:
                line = lines[-1]
                if line and line[-1][0] == name:
                    line[-1] = (name, line[-1][1] + part)
                else:
                    line.append((name, part))
    return lines
