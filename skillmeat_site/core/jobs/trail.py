"""What a job said it was doing, and when: the lines of its log that no other row keeps."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

FIRST_KEPT, LAST_KEPT = 20, 80
"""Of a longer trail the middle is dropped: how it began and where it is now tell most."""

Line = list[str]


class Trail:
    """A bounded list of (time, text). Only what differs from the line before is a line.

    It costs no statement: it goes with the heartbeat that is due anyway, at most once a second, so a job of
    milliseconds leaves none.
    """

    def __init__(self, lines: Sequence[Line], attempt: int) -> None:
        self.lines = [list(line) for line in lines]
        if attempt > 1:
            self.add(f"attempt {attempt}")

    def add(self, text: str) -> bool:
        """True if it is a new line."""
        if not text or (self.lines and self.lines[-1][1] == text):
            return False
        self.lines.append([timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"), text])
        if len(self.lines) > FIRST_KEPT + LAST_KEPT:
            del self.lines[FIRST_KEPT]
        return True
