"""What happens at each start: of a command, of the web server, of a worker. An app says so in its ``jobs.py``.

So the core need not know who keeps unfinished business. A hook is cheap where there is nothing to do, may run in
several processes at once and again and again in one; what it raises is logged, and the start goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

Hook = Callable[[], Any]
_hooks: dict[str, Hook] = {}


def at_start(name: str) -> Callable[[Hook], Hook]:
    """Declare a hook under a name of its own."""

    def declare(hook: Hook) -> Hook:
        if name in _hooks:
            raise TypeError(f"start hook {name!r} is declared twice")
        _hooks[name] = hook
        return hook

    return declare


def run_start_hooks() -> None:
    """Run every hook. Never raises: a server whose database is away has to start all the same."""
    for name in sorted(_hooks):
        try:
            _hooks[name]()
        except Exception:
            log.exception("start.failed", hook=name)
