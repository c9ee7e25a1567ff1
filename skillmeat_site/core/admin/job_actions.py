"""Bulk actions over jobs: cancel, and retry. Each is a job itself, done at once unless it is of many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.actions import JobAction, Options
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.base import actor_of
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.previews import ListedPreview, estimate
from skillmeat_site.core.jobs import registry
from skillmeat_site.core.jobs.control import needing_retry
from skillmeat_site.core.jobs.many import cancel_jobs, retry_jobs
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import ACTIVE
from skillmeat_site.core.rights import Rights

INLINE = 100
"""So many jobs are cancelled or retried while a page is waited for; more are a worker's."""
CANCELLED: Words = {
    "queued": (_("queued, end at once"), Tone.INFO),
    "running": (_("running, will be asked to stop"), Tone.WARNING),
    "finished": (_("have finished already"), Tone.QUIET),
}
RETRIED: Words = {
    "retry": (_("will be retried"), Tone.GOOD),
    "under_way": (_("are being retried already"), Tone.QUIET),
    "active": (_("are still active"), Tone.WARNING),
    "denied": (_("need a permission that you do not have"), Tone.WARNING),
    "done": (_("have nothing to retry"), Tone.QUIET),
}


class _OfJobs(JobAction):
    """The preview is of the jobs' states, in words of their own: exact, for the moment that it is looked at."""

    inline_up_to = INLINE
    plannable = False


class CancelJobs(_OfJobs):
    name = "cancel"
    label = _("Cancel selected jobs")
    description = _("A queued job ends at once, a running one before its next item. What is finished stays.")
    dangerous = True
    job = cancel_jobs

    def planned(self, request: HttpRequest, ids: Sequence[Any], options: Options) -> ListedPreview:
        active = dict(Job.objects.active().filter(pk__among=list(ids)).values_list("pk", "status"))
        states = {str(pk): status for pk, status in active.items()}
        return _now("job", ids, lambda pk: states.get(str(pk), "finished"), CANCELLED)


class RetryJobs(_OfJobs):
    name = "retry"
    label = _("Retry selected jobs")
    description = _("A new job takes up what failed or was deferred in each; what went well is not done again.")
    job = retry_jobs

    def planned(self, request: HttpRequest, ids: Sequence[Any], options: Options) -> ListedPreview:
        chosen = Job.objects.filter(pk__among=list(ids))
        fates = {
            str(pk): "active" if status in ACTIVE else "done" for pk, status in chosen.values_list("pk", "status")
        }
        again = needing_retry(chosen)
        fates |= {str(pk): "retry" for pk in again.values_list("pk", flat=True)}
        fates |= {str(pk): "under_way" for pk in again.filter(being_retried()).values_list("pk", flat=True)}
        fates |= {str(pk): "denied" for pk in _denied(chosen, Rights(actor_of(request)))}
        return _now("job", ids, lambda pk: fates.get(str(pk), "done"), RETRIED)


def _denied(jobs: QuerySet[Job], rights: Rights) -> Iterator[UUID]:
    """Those whose own permission the user lacks. Of most kinds it is the same for all, and no params are read."""
    kinds = [registry.get(kind) for kind in jobs.order_by().values_list("kind", flat=True).distinct()]
    refused = [one.kind for one in kinds if not callable(one.permission) and not rights.may(one.permission)]
    yield from jobs.filter(kind__in=refused).values_list("pk", flat=True)
    for definition in kinds:
        if callable(definition.permission):
            for pk, params in jobs.filter(kind=definition.kind).values_list("pk", "params"):
                if not rights.may(definition.needs(params)):
                    yield pk


def _now(type_: str, ids: Sequence[Any], fate_of: Any, words: Words) -> ListedPreview:
    preview = estimate(type_, ids, fate_of, words=words)
    preview.exact = True
    return preview


def being_retried() -> Exists:
    """Of jobs: one of their retries is active. The parts of a bulk job are no retries of it."""
    return Exists(Job.objects.active().filter(parent=OuterRef("pk")).exclude(parent_item__isnull=False))
