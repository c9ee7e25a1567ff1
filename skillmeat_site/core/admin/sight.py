"""Who may look at what, where a page tells of more than the list that it belongs to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from skillmeat_site.core.admin.display import changelist_url
from skillmeat_site.core.admin.objects import shown_types
from skillmeat_site.core.models import Job


def sees_every_job(user: Any) -> bool:
    return bool(user.has_perm("core.view_job"))


def may_see_job(user: Any, job: Job) -> bool:
    """Whoever has begun a job may learn what became of it: how it stands, and of the objects that they may see
    anyway the outcome (``job_page``). Sent away with a message, they would never hear that it failed."""
    return sees_every_job(user) or (job.actor_id is not None and job.actor_id == user.pk)


def may_list(request: HttpRequest, model: type[models.Model]) -> bool:
    """Whether this user may look at the list of these rows."""
    return bool(admin.site.get_model_admin(model).has_view_permission(request))


def list_url(request: HttpRequest, model: type[models.Model], **query: Any) -> str:
    """The list that a figure counts; "" for who may not look at it, and for whom the number is no link."""
    return changelist_url(model, **query) if may_list(request, model) else ""


def hidden_types(request: HttpRequest) -> frozenset[str]:
    """Types of objects (``ObjectRef.type``) in whose lists this user may not look. One without pages hides nothing."""
    return frozenset(type_ for type_, model in shown_types().items() if not may_list(request, model))
