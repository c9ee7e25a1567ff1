"""Selections between the list and the confirmation: frozen at the moment of choosing, kept in the user's session."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

SESSION_KEY = "admin_selections"
KEPT = 10
"""Older ones are forgotten: a session is loaded with every request."""


@dataclass(frozen=True, slots=True)
class Selection:
    """``id`` becomes the primary key of the job. ``landed``: where the confirmed action led, "" before."""

    id: uuid.UUID
    model: str
    action: str
    ids: tuple[Any, ...]
    back: str
    landed: str = ""


def freeze(session: SessionBase, *, model: str, action: str, ids: Sequence[Any], back: str) -> Selection:
    """Keep what was chosen under a new random id. ``ids`` are integers or strings."""
    selection = Selection(uuid.uuid4(), model, action, tuple(ids), back)
    _store(session, selection)
    return selection


def find(session: SessionBase, selection_id: uuid.UUID, *, model: str) -> Selection | None:
    """None if it was never made, is of another model, or the session has ended meanwhile."""
    kept = session.get(SESSION_KEY, {}).get(str(selection_id))
    if kept is None or kept["model"] != model:
        return None
    return Selection(selection_id, kept["model"], kept["action"], tuple(kept["ids"]), kept["back"], kept["landed"])


def land(session: SessionBase, selection: Selection, url: str) -> None:
    """Remember where the action led, and drop the ids: it is not to run again."""
    _store(session, Selection(selection.id, selection.model, selection.action, (), selection.back, url))


def _store(session: SessionBase, selection: Selection) -> None:
    kept = dict(session.get(SESSION_KEY, {}))
    kept.pop(str(selection.id), None)
    columns = asdict(selection)
    del columns["id"]
    kept[str(selection.id)] = {**columns, "ids": list(selection.ids)}
    session[SESSION_KEY] = dict(list(kept.items())[-KEPT:])
