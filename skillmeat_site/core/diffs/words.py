"""What changed within a line that stands for another: the words, not the whole line. Pure, and bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

MAX_LINE = 400
"""Characters; longer lines are compared from both ends only."""
MAX_TOKENS = 120
"""Tokens between a common beginning and a common end that are compared with each other."""
_LIKE = 0.35
"""Lines that share less are two different lines: to mark all of both helps nobody."""
_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)

Spans = list[tuple[int, int]]
"""Where words changed: ``[from, to)`` in characters, in order, not touching."""


def changed_words(old: str, new: str) -> tuple[Spans, Spans]:
    """Where each of two lines differs from the other; nothing where they have too little in common."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    head = _shared(before, after)
    tail = _shared(before[head:][::-1], after[head:][::-1])
    left, right = before[head : len(before) - tail], after[head : len(after) - tail]
    if not left and not right:
        return [], []
    common = len("".join(before[:head])) + len("".join(before[len(before) - tail :]))
    long = max(len(old), len(new)) > MAX_LINE or max(len(left), len(right)) > MAX_TOKENS
    blocks = [] if long else SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    common += sum(len("".join(left[block.a : block.a + block.size])) for block in blocks)
    if common < _LIKE * max(len(old), len(new)):
        return [], []
    same_left = [(block.a, block.a + block.size) for block in blocks]
    same_right = [(block.b, block.b + block.size) for block in blocks]
    return _spans(before, head, len(left), same_left), _spans(after, head, len(right), same_right)


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _spans(tokens: Sequence[str], head: int, size: int, same: Sequence[tuple[int, int]]) -> Spans:
    """The tokens from ``head`` on, without those that are the same, in characters."""
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    spans: Spans = []
    at = 0
    for begin, end in (*same, (size, size)):
        if at < begin:
            spans.append((starts[head + at], starts[head + begin]))
        at = max(at, end)
    return spans
