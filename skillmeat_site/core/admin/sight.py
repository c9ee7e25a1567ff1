"""Who may look at what, where a page tells of more than the list that it belongs to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from skillmeat_site.core.admin.objects import shown_types
from skillmeat_site.core.models import Job


def sees_every_job(user: Any) -> bool:
    return bool(user.has_perm("core.view_job"))


def may_see_job(user: Any, job: Job) -> bool:
    """Whoever has begun a job may learn what became of it: how it stands, and of the objects that they may see
    anyway the outcome (``job_page``). Sent away with a message, they would never hear that it failed."""
    return sees_every_job(user) or (job.actor_id is not None and job.actor_id == user.pk)


def hidden_types(request: HttpRequest) -> frozenset[str]:
    """Types of objects (``ObjectRef.type``) in whose lists this user may not look. One without pages hides nothing."""
    return frozenset(
        type_
        for type_, model in shown_types().items()
        if not admin.site.get_model_admin(model).has_view_permission(request)
    )
