"""Jobs: the list, and the page that shows one live."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from skillmeat_site.core.admin import job_items, job_page
from skillmeat_site.core.admin.actions import landing
from skillmeat_site.core.admin.badges import JOB_STATUS, TRIGGER, word_badge
from skillmeat_site.core.admin.base import ReadOnlyAdmin, actor_of, tell
from skillmeat_site.core.admin.bulk import BulkActionsAdmin
from skillmeat_site.core.admin.changelist import View
from skillmeat_site.core.admin.display import EMPTY, ago, duration, shortened
from skillmeat_site.core.admin.history import History
from skillmeat_site.core.admin.job_actions import CancelJobs, RetryJobs
from skillmeat_site.core.admin.job_filters import KindFilter, ParentFilter, PartsFilter, StatusFilter, TriggerFilter
from skillmeat_site.core.admin.job_items import ItemQuery
from skillmeat_site.core.admin.objects import show_objects
from skillmeat_site.core.admin.sight import may_see_job, sees_every_job
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.jobs import control
from skillmeat_site.core.models import Job
from skillmeat_site.core.text import printable

show_objects("job", Job)

HEAVY = ("params", "result", "error_detail", "trail")
"""Columns that only the page of a job needs, once."""
EXPORTS = {"csv": job_items.as_csv, "json": job_items.as_json}


@admin.register(Job)
class JobAdmin(BulkActionsAdmin, ReadOnlyAdmin):
    history = History.EVENTS
    bulk_actions = (CancelJobs, RetryJobs)
    list_display = (
        "shown_label", "shown_status", "shown_progress", "shown_actor", "shown_created", "shown_duration",
    )  # fmt: skip
    views = (
        View(_("Running"), {"status": "running"}),
        View(_("Queued"), {"status": "queued"}),
        View(_("Failed"), {"status": "failed"}),
        View(_("Partial"), {"status": "partial"}),
    )
    empty_text = _("Every scan, import, refresh and deployment is a job, and stands here from its beginning.")
    list_filter = (PartsFilter, StatusFilter, TriggerFilter, KindFilter, ParentFilter)
    search_fields = ("label", "kind", "error_code", "=id")
    search_help_text = _("Search by label, kind, error code or id.")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Job]:
        return Job.objects.for_user(request.user).for_list().defer(*HEAVY)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<uuid:job_id>/progress/", wrap(self.progress_view), name="core_job_progress"),
            path("<uuid:job_id>/items.<str:ending>", wrap(self.export_items_view), name="core_job_items"),
            path("<uuid:job_id>/cancel/", wrap(require_POST(self.cancel_view)), name="core_job_cancel"),
            path("<uuid:job_id>/retry/", wrap(require_POST(self.retry_view)), name="core_job_retry"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The job page stands in for Django's form: there is nothing to change, and much to see."""
        job = self.get_object(request, object_id)
        if job is None:
            raise Http404
        self._require_sight(request, job)
        job.refresh_from_db(fields=HEAVY)
        context = {
            **self.admin_site.each_context(request),
            **job_page.context(request, job),
            "title": _t("Job"),
            "subtitle": printable(job.label),
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/skillmeat/job.html", context)

    def progress_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """What the job page asks for every second while the job is active."""
        job = self._job(request, job_id)
        self._require_sight(request, job)
        return JsonResponse(job_page.progress(job, sees_all=sees_every_job(request.user)))

    def export_items_view(self, request: HttpRequest, job_id: UUID, ending: str) -> StreamingHttpResponse:
        """The items that the page's filters leave, as a file."""
        self._require(request, "core.view_job")
        if ending not in EXPORTS:
            raise Http404
        return EXPORTS[ending](self._job(request, job_id), ItemQuery.of(request.GET))

    def cancel_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        self._require(request, "core.cancel_job")
        job = self._job(request, job_id)
        try:
            control.cancel(job, actor=actor_of(request))
        except DomainError as error:
            tell(request, error)
        else:
            messages.success(request, _t("The job was asked to stop. What it has finished stays."))
        return self._to_job(request, job)

    def retry_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        self._require(request, "core.retry_job")
        job = self._job(request, job_id)
        try:
            job, is_new = control.retry_once(job, actor=actor_of(request))
        except DomainError as error:
            tell(request, error)
        else:
            if is_new:
                messages.success(request, _t("This new job takes up what failed or was deferred."))
            else:
                messages.info(request, _t("Nothing new was begun: this job, which is at it, was on its way already."))
        return self._to_job(request, job)

    def _to_job(self, request: HttpRequest, job: Job) -> HttpResponse:
        return HttpResponseRedirect(landing(request, job, job_page.back_url(request)) or reverse("admin:index"))

    def _require_sight(self, request: HttpRequest, job: Job) -> None:
        if not may_see_job(request.user, job):
            raise PermissionDenied

    def _require(self, request: HttpRequest, permission: str) -> None:
        if not request.user.has_perm(permission):
            raise PermissionDenied

    def _job(self, request: HttpRequest, job_id: UUID) -> Job:
        job = self.get_queryset(request).filter(pk=job_id).first()
        if job is None:
            raise Http404
        return job

    @admin.display(description=_("job"), ordering="label")
    def shown_label(self, job: Job) -> str:
        return format_html("{}<br><small>{}</small>", shortened(job.label), job.kind)

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, job: Job) -> str:
        why = format_html("<br><code>{}</code>", job.error_code) if job.error_code else ""
        return format_html("{}{}", word_badge(JOB_STATUS, job.status), why)

    @admin.display(description=_("progress"))
    def shown_progress(self, job: Job) -> str:
        left = job_page.time_left(job)
        bar = job_page.progress_bar(job) or EMPTY
        return format_html("{}<br><small>{}</small>", bar, left) if left else bar

    @admin.display(description=_("by"))
    def shown_actor(self, job: Job) -> str:
        through = TRIGGER.get(job.trigger, job.trigger)
        return f"{printable(job.actor.get_username())} ({through})" if job.actor else str(through)

    @admin.display(description=_("made"), ordering="created_at")
    def shown_created(self, job: Job) -> str:
        return ago(job.created_at)

    @admin.display(description=_("took"))
    def shown_duration(self, job: Job) -> str:
        return duration(job_page.time_taken(job))
