"""Bulk actions of the admin: select, confirm with the plan, start one job, look at its page.

A ``BulkActionsAdmin`` (``bulk``) lists BulkAction classes in ``bulk_actions``. They appear in Django's own action
menu, so that "select all across pages" works as everywhere. What was selected is frozen at that moment under a
random id (``core.selections``); the confirmed action runs under that id, so that a double click or a reload lands on
the same job instead of running twice.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmeat_site.core import selections
from skillmeat_site.core.admin.base import actor_of
from skillmeat_site.core.admin.display import Text
from skillmeat_site.core.admin.previews import JobPreview, ListedPreview, Preview, planned_of
from skillmeat_site.core.admin.sight import may_see_job
from skillmeat_site.core.errors import JobFinished
from skillmeat_site.core.jobs import control, planning, runner
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.models import Job, Selection

Options = Mapping[str, Any]


class BulkAction:
    """One verb over the selected rows.

    ``name`` stands in the action menu's form and in the selection.
    ``key``: the unique column that the frozen ids hold; a natural one still names what is deleted meanwhile.
    ``button``: its text on the page of a single row. ``initial``: what the options form starts with.
    ``dangerous``: the confirming button warns.
    """

    name: ClassVar[str]
    label: ClassVar[Text]
    description: ClassVar[Text]
    key: ClassVar[str] = "pk"
    button: ClassVar[Text] = ""
    form: ClassVar[type[forms.Form]] = forms.Form
    initial: ClassVar[Mapping[str, Any]] = {}
    dangerous: ClassVar[bool] = False

    def is_allowed(self, request: HttpRequest) -> bool:
        raise NotImplementedError

    def chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What is frozen when these rows were selected: they themselves, or what hangs on them."""
        return queryset

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Of what the frozen ids name, all that this user may see; ``queryset`` is the list's own."""
        return queryset

    def options_form(self, request: HttpRequest, data: Any = None) -> forms.Form:
        return self.form(data) if data is not None else self.form(initial=dict(self.initial))

    def preview(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        """What would happen, soon enough for a page. Writes nothing and asks nothing upstream. May raise DomainError.

        ``options`` None: the form is not filled in yet.
        """
        raise NotImplementedError

    def run(self, request: HttpRequest, selection: Selection, ids: Sequence[Any], options: Options) -> str:
        """Do it with ``ids``, and return the URL to go to. May raise DomainError.

        ``options``: the form's cleaned data. A second call with the same selection must do
        nothing more than the first.
        """
        raise NotImplementedError

    def offers_exact(self, ids: Sequence[Any]) -> bool:
        """Whether ``exact_plan`` can tell more than ``preview``."""
        return False

    def exact_plan(self, request: HttpRequest, ids: Sequence[Any], options: Options) -> Job:
        """Have the plan worked out as a job. Only asked where it is offered."""
        raise NotImplementedError


class JobAction(BulkAction):
    """A bulk action that is one job, whose primary key is the selection's id.

    ``inline_up_to`` so many objects it runs in the request (for work on the database alone), beyond on a worker.
    ``exact_up_to``: for so many objects the job's own dry run is the preview; None for any number, because it asks
    nothing but the database. Beyond, ``estimate`` is, and the dry run is offered as a job, if it is ``plannable``.
    """

    job: ClassVar[JobDefinition]
    inline_up_to: ClassVar[int] = 0
    exact_up_to: ClassVar[int | None] = None
    plannable: ClassVar[bool] = True

    def is_allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.job.needs({}))

    def params(self, ids: Sequence[Any], options: Options) -> dict[str, Any]:
        return {"ids": list(ids), **options}

    def target(self, ids: Sequence[Any], options: Options) -> tuple[JobDefinition, dict[str, Any]]:
        """Which job with which params; the place to give a single row to a job of its own."""
        return self.job, self.params(ids, options)

    def run(self, request: HttpRequest, selection: Selection, ids: Sequence[Any], options: Options) -> str:
        definition, params = self.target(ids, options)
        if len(ids) <= self.inline_up_to:
            job = runner.run_inline(definition, params, actor_of(request), job_id=selection.pk).job
        else:
            job = runner.enqueue(definition, params, actor_of(request), job_id=selection.pk)
        return landing(request, job, selection.back)

    def preview(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        if options is None or not self.is_exact(ids):
            return self.estimate(request, ids, options)
        return self.planned(request, ids, options)

    def is_exact(self, ids: Sequence[Any]) -> bool:
        return self.exact_up_to is None or len(ids) <= self.exact_up_to

    def estimate(self, request: HttpRequest, ids: Sequence[Any], options: Options | None) -> Preview:
        """What the database can tell of the plan. Only asked where ``planned`` is too much, or has no options yet."""
        return ListedPreview((), exact=False)

    def planned(self, request: HttpRequest, ids: Sequence[Any], options: Options) -> ListedPreview:
        """A preview out of the job's own dry run: what it says is what the run then does."""
        params = self.params(ids, options)
        result = self.job.function(DryRunContext(actor_of(request)), **params, dry_run=True)
        return ListedPreview(planned_of(row) for row in planning.rows_of(self.job.kind, params, result))

    def offers_exact(self, ids: Sequence[Any]) -> bool:
        return self.plannable and bool(ids) and not self.is_exact(ids)

    def exact_plan(self, request: HttpRequest, ids: Sequence[Any], options: Options) -> Job:
        asked = {"kind": self.job.kind, "params": self.params(ids, options)}
        return runner.enqueue(planning.plan, asked, actor_of(request))


def work_out(
    action: BulkAction, request: HttpRequest, selection: Selection, ids: Sequence[Any], options: Options
) -> None:
    """Start the job of the exact plan, unless the one that is on its way is of the same options."""
    token = token_of(options)
    if selection.plan is not None and selection.plan.is_active and selection.plan_token == token:
        return
    drop_plan(request, selection)
    if action.offers_exact(ids):
        selections.attach_plan(selection, action.exact_plan(request, ids, options), token)


def drop_plan(request: HttpRequest, selection: Selection) -> None:
    """Stop working out what nobody waits for any more."""
    if selection.plan is not None and selection.plan.is_active:
        with suppress(JobFinished):
            control.cancel(selection.plan, actor=actor_of(request))


def plan_job(action: BulkAction, selection: Selection, options: Options | None) -> Job | None:
    """The job that works, or has worked, the plan of these options out."""
    if selection.plan is None or options is None or selection.plan_token != token_of(options):
        return None
    return selection.plan


def finished_plan(job: Job | None) -> Preview | None:
    """What a plan's job has worked out, if it came to its end."""
    return JobPreview(job) if job is not None and not job.is_active and not job.error_code else None


def token_of(options: Options) -> str:
    """Stands for the options of a plan."""
    text = json.dumps(dict(options), sort_keys=True, default=lambda value: str(getattr(value, "pk", value)))
    return hashlib.sha256(text.encode()).hexdigest()


def landing(request: HttpRequest, job: Job, back: str) -> str:
    """Where whoever has begun a job is led: its page, or back, where it is somebody else's that does the same."""
    if may_see_job(request.user, job):
        return job_url(job.pk, back)
    messages.info(request, _("It is done by a job that was on its way already, and which you may not look at."))
    return back


def job_url(job_id: uuid.UUID, back: str = "") -> str:
    """The job's page; ``back`` is the list that its link back leads to."""
    url = reverse("admin:core_job_change", args=[job_id])
    return f"{url}?{urlencode({'back': back})}" if back else url
