"""Selections between a list and its confirmation: frozen at the moment of choosing, each its owner's alone.

And forms that may be sent once.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from skillmeat_site.core.models import Job, Selection

HEAVY = ("plan__params", "plan__result", "plan__trail")


def freeze(owner: Any, *, model: str, action: str, ids: Sequence[Any], back: str) -> Selection:
    """Keep what was chosen under a new random id. ``ids`` are integers or strings."""
    return Selection.objects.create(owner=owner, model=model, action=action, ids=list(ids), back=back)


def take(form_id: uuid.UUID, owner_id: int | None, *, model: str, action: str) -> bool:
    """Whether a form with this random id is sent for the first time. Call it in the transaction of what it does.

    For what leaves no job behind: the id of a job says the same of itself.
    """
    told = {"owner_id": owner_id, "model": model, "action": action}
    return Selection.objects.get_or_create(pk=form_id, defaults=told)[1]


def find(selection_id: uuid.UUID) -> Selection | None:
    """None if it was never made, or is forgotten. Whose it is, the caller has to look at."""
    return Selection.objects.filter(pk=selection_id).select_related("plan").defer(*HEAVY).first()


def behind(job_id: uuid.UUID, owner: Any) -> Selection | None:
    """The selection of this user that a job was confirmed from, or whose plan it works out."""
    chosen = Selection.objects.filter(Q(pk=job_id) | Q(plan=job_id), owner=owner).defer("ids")
    return chosen.first()


def land(selection: Selection, url: str) -> None:
    """Remember where the action led, and drop the ids: it is not to run again."""
    Selection.objects.filter(pk=selection.pk).update(landed=url, ids=[])


def attach_plan(selection: Selection, job: Job, token: str) -> None:
    """Remember the job that works out what would happen, and with which options."""
    Selection.objects.filter(pk=selection.pk).update(plan=job, plan_token=token)


def forget_old(before: datetime) -> int:
    """Delete selections that were made before; returns how many. Their jobs stay."""
    return Selection.objects.filter(created_at__lt=before).delete()[0]
