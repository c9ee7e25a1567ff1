"""manage.py jobs [ID] [--cancel | --retry]"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.api.serializers import JobItemSerializer, JobSerializer
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.jobs import control
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import JobStatus


class Command(Base):
    help = "List jobs, show one with its items, cancel it, or have its failed and deferred items tried again."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", nargs="?", type=UUID, help="id of one job")
        parser.add_argument("--status", choices=[status.value for status in JobStatus], action="append")
        parser.add_argument("--limit", type=int, default=20, choices=range(1, 1001), metavar="1-1000")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--cancel", action="store_true")
        what.add_argument("--retry", action="store_true")

    def run(self, options: Mapping[str, Any]) -> int:
        if options["job"] is None:
            return self.list_jobs(options)
        job = Job.objects.for_list().filter(pk=options["job"]).first()
        if job is None:
            raise NotFound(f"There is no job {options['job']}.")
        if options["cancel"]:
            job = control.cancel(job, actor=COMMAND_LINE)
        elif options["retry"]:
            job = control.retry(job, actor=COMMAND_LINE)
        return self.show(job)

    def list_jobs(self, options: Mapping[str, Any]) -> int:
        jobs = Job.objects.for_list()
        if options["status"]:
            jobs = jobs.filter(status__in=options["status"])
        rows = [JobSerializer(job).data for job in jobs[: options["limit"]]]
        if self.as_json:
            self.print_json({"results": rows, "summary": {"total": len(rows)}})
        for row in () if self.as_json else rows:
            self.stdout.write(f"{row['id']}  {row['status']:10} {row['label']}")
        return 0

    def show(self, job: Job) -> int:
        items = JobItemSerializer(job.items.all(), many=True).data
        if self.as_json:
            self.print_json({"results": [{**JobSerializer(job).data, "items": items}], "summary": {"total": 1}})
            return 0
        self.stdout.write(f"{job.pk}  {job.status}  {job.label}  {job.error_code} {job.error_detail}".rstrip())
        for item in items:
            self.stdout.write(f"  {item['outcome'] or 'pending':10} {item['object']['label']} {item['code'] or ''}")
        return 0
