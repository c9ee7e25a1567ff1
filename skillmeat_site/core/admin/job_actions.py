"""Bulk actions over jobs. They are no jobs themselves: each is a conditional UPDATE per row, done in the request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from skillmeat_site.core.admin.actions import BulkAction, Count
from skillmeat_site.core.admin.base import actor_of
from skillmeat_site.core.admin.selections import Selection
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.jobs import control
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import ACTIVE, RETRIABLE, TERMINAL, JobStatus


class _EachJob(BulkAction):
    """Does something to each job, and tells how many could not be done and why."""

    verb: ClassVar[Callable[..., Job]]

    def run(self, request: HttpRequest, selection: Selection, options: Mapping[str, Any]) -> str:
        refused: Counter[str] = Counter()
        done = 0
        for job in Job.objects.for_user(request.user).filter(pk__in=selection.ids):
            try:
                type(self).verb(job, actor=actor_of(request))
            except DomainError as error:
                refused[error.code] += 1
            else:
                done += 1
        self.tell(request, done)
        for code, count in refused.items():
            messages.warning(request, _t("%(count)d not done: %(code)s") % {"count": count, "code": code})
        return selection.back

    def tell(self, request: HttpRequest, done: int) -> None:
        raise NotImplementedError


class CancelJobs(_EachJob):
    name = "cancel"
    label = _("Cancel selected jobs")
    description = _("A queued job ends at once, a running one before its next item. What is finished stays.")
    permission = "core.cancel_job"
    dangerous = True
    verb = staticmethod(control.cancel)

    def preview(self, request: HttpRequest, ids: Sequence[Any]) -> list[Count]:
        jobs = Job.objects.filter(pk__in=ids)
        return [
            Count(_("queued, end at once"), jobs.filter(status=JobStatus.QUEUED).count()),
            Count(_("running, will be asked to stop"), jobs.filter(status=JobStatus.RUNNING).count()),
            Count(_("have finished already"), jobs.filter(status__in=TERMINAL).count()),
        ]

    def tell(self, request: HttpRequest, done: int) -> None:
        if done:
            text = ngettext("%d job was asked to stop.", "%d jobs were asked to stop.", done)
            messages.success(request, text % done)


class RetryJobs(_EachJob):
    name = "retry"
    label = _("Retry selected jobs")
    description = _("A new job takes up what failed or was deferred in each; what went well is not done again.")
    permission = "core.retry_job"
    verb = staticmethod(control.retry_once)

    def preview(self, request: HttpRequest, ids: Sequence[Any]) -> list[Count]:
        jobs = Job.objects.filter(pk__in=ids)
        again = needing_retry(jobs).count()
        active = jobs.filter(status__in=ACTIVE).count()
        return [
            Count(_("will be retried"), again),
            Count(_("are still active"), active),
            Count(_("have nothing to retry"), jobs.count() - again - active),
        ]

    def tell(self, request: HttpRequest, done: int) -> None:
        if done:
            messages.success(request, ngettext("%d new job is queued.", "%d new jobs are queued.", done) % done)


def needing_retry(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Finished jobs of which something failed, was deferred, or was never begun."""
    open_items = Q(items__outcome__in=["", *RETRIABLE])
    without_items = Q(items__isnull=True) & ~Q(status=JobStatus.SUCCEEDED)
    return jobs.filter(open_items | without_items, status__in=TERMINAL).distinct()
