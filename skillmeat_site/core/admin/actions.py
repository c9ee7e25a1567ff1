"""Bulk actions of the admin: select, confirm with the plan's counts, start one job, look at its page.

A ``BulkActionsAdmin`` (``bulk``) lists BulkAction classes in ``bulk_actions``. They appear in Django's own action
menu, so that "select all across pages" works as everywhere. What was selected is frozen at that moment under a
random id (``selections``); the confirmed action runs under that id, so that a double click or a reload lands on
the same job instead of running twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.base import actor_of
from skillmeat_site.core.admin.display import Text
from skillmeat_site.core.admin.selections import Selection
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.results import ItemOutcome


class Count(NamedTuple):
    """One line of a preview: what will happen to how many."""

    label: Text
    rows: int


PLANNED: Mapping[ItemOutcome, Text] = {
    ItemOutcome.CREATED: _("will be created"),
    ItemOutcome.UPDATED: _("will be changed"),
    ItemOutcome.UNCHANGED: _("are so already"),
    ItemOutcome.REMOVED: _("will be removed"),
    ItemOutcome.SKIPPED: _("will be skipped"),
    ItemOutcome.CONFLICT: _("are in conflict"),
    ItemOutcome.FAILED: _("cannot be done"),
    ItemOutcome.DEFERRED: _("will be deferred"),
}


class BulkAction:
    """One verb over the selected rows.

    ``name`` stands in the action menu's form and in the session, ``permission`` is ``app.codename``.
    ``button``: its text on the page of a single row. ``initial``: what the options form starts with.
    ``dangerous``: the confirming button warns.
    """

    name: ClassVar[str]
    label: ClassVar[Text]
    description: ClassVar[Text]
    permission: ClassVar[str]
    button: ClassVar[Text] = ""
    form: ClassVar[type[forms.Form]] = forms.Form
    initial: ClassVar[Mapping[str, Any]] = {}
    dangerous: ClassVar[bool] = False

    def is_allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.permission)

    def preview(self, request: HttpRequest, ids: Sequence[Any]) -> list[Count]:
        """What would happen, in counts. Writes nothing and asks nothing upstream. May raise DomainError."""
        raise NotImplementedError

    def run(self, request: HttpRequest, selection: Selection, options: Mapping[str, Any]) -> str:
        """Do it, and return the URL to go to. ``options``: the cleaned data of the form. May raise DomainError.

        A second call with the same selection must do nothing more than the first.
        """
        raise NotImplementedError


class JobAction(BulkAction):
    """A bulk action that is one job, whose primary key is the selection's id.

    ``inline``: run in the request, for work on the database alone; else a worker does it.
    """

    job: ClassVar[JobDefinition]
    inline: ClassVar[bool] = False

    def params(self, ids: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": list(ids), **options}

    def target(self, ids: Sequence[Any], options: Mapping[str, Any]) -> tuple[JobDefinition, dict[str, Any]]:
        """Which job with which params; the place to give a single row to a job of its own."""
        return self.job, self.params(ids, options)

    def run(self, request: HttpRequest, selection: Selection, options: Mapping[str, Any]) -> str:
        definition, params = self.target(selection.ids, options)
        if self.inline:
            job = runner.run_inline(definition, params, actor_of(request), job_id=selection.id).job
        else:
            job = runner.enqueue(definition, params, actor_of(request), job_id=selection.id)
        return job_url(job.pk, selection.back)

    def planned(self, request: HttpRequest, ids: Sequence[Any], options: Mapping[str, Any]) -> list[Count]:
        """A preview out of the job's own dry run: what it says is what the run then does."""
        context = DryRunContext(actor_of(request))
        result = self.job.function(context, **self.params(ids, options), dry_run=True)
        counts = result.summary.counts
        return [Count(text, counts[outcome]) for outcome, text in PLANNED.items() if counts[outcome]]


def job_url(job_id: uuid.UUID, back: str = "") -> str:
    """The job's page; ``back`` is the list that its link back leads to."""
    url = reverse("admin:core_job_change", args=[job_id])
    return f"{url}?{urlencode({'back': back})}" if back else url
