"""Helpers of the tests of commands: run one as a user would and read what it said."""

from __future__ import annotations

import io
import json
from typing import Any, NamedTuple

from django.core.management import call_command
from django.core.management.base import CommandError


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    def outcomes(self) -> list[tuple[str, str | None]]:
        return [(row["outcome"], row.get("code")) for row in self.json["results"]]


def manage(*words: Any) -> Said:
    """Run a command as a shell would: what it exits with, and what it says where."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*[str(word) for word in words], stdout=out, stderr=err)
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    except CommandError as usage:  # Django prints it and exits with its return code
        code = usage.returncode if usage.returncode != 1 or "Error:" not in str(usage) else 2
        err.write(str(usage))
    return Said(code, out.getvalue(), err.getvalue())


def adds_up(said: Said) -> bool:
    summary = dict(said.json["summary"])
    return summary.pop("total") == sum(summary.values()) == len(said.json["results"])
