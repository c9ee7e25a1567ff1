"""The jobs table as figures, read at the moment of asking."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from skillmeat_site.core import metrics
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import JobStatus


class JobTable:
    """Jobs by status, and the age of the oldest that waits: the sign that nobody runs a cluster."""

    def describe(self) -> list[Metric]:
        return []  # registering must not read the database

    def collect(self) -> Iterator[Metric]:
        counts = dict(Job.objects.order_by().values_list("status").annotate(Count("pk")))
        jobs = GaugeMetricFamily("skillmeat_jobs", "Jobs in the table", labels=["status"])
        for status in JobStatus:
            jobs.add_metric([status.value], counts.get(status.value, 0))
        yield jobs
        oldest = Job.objects.filter(status=JobStatus.QUEUED).aggregate(Min("created_at"))["created_at__min"]
        yield GaugeMetricFamily(
            "skillmeat_oldest_queued_job_seconds",
            "Age of the oldest waiting job",
            value=(timezone.now() - oldest).total_seconds() if oldest else 0,
        )


metrics.register(JobTable())
