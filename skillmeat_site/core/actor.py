"""Who asked for something, and through which face."""

from __future__ import annotations

from dataclasses import dataclass

from skillmeat_site.core.results import Trigger


@dataclass(frozen=True, slots=True)
class Actor:
    """``user_id`` None: the command line or a schedule, which act for whoever runs the server."""

    trigger: Trigger
    user_id: int | None = None
    name: str = ""


COMMAND_LINE = Actor(Trigger.COMMAND, name="command line")
SCHEDULER = Actor(Trigger.SCHEDULE, name="schedule")
GITHUB = Actor(Trigger.WEBHOOK, name="GitHub")
