"""How commands of the cache end: a row for each project, and in the summary what the REST face answers besides."""

from __future__ import annotations

from typing import Any

from cache_app.services.results import DiscoveryResult, RefreshResult
from skillmeat_site.core.management.base import Command
from skillmeat_site.core.results import Summary


def finish_cache(command: Command, result: DiscoveryResult | RefreshResult) -> int:
    """Print it; the exit code."""
    rows = [{"label": row.object.label, **row.to_json()} for row in result.rows]
    summary = Summary.of(str(row["outcome"]) for row in rows)
    if not command.as_json:
        return command.finish(rows, summary)
    told: dict[str, Any] = {name: value for name, value in result.to_json().items() if name != "changes"}
    told["errors"] = len(result.errors)
    command.print_json({"results": rows, "summary": {**summary.to_json(), **told}})
    return int(bool(result.errors))
