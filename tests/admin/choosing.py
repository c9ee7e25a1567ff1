"""Going through an action as a person does: choose in a list, look at the plan, confirm, let a worker do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.test import Client
from django.urls import reverse

from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import JobStatus


def changelist(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def choose_all(client: Client, model: Any, action: str, query: str = "") -> str:
    """Tick the first row of the list, then "select all across pages"; returns the URL of the confirmation."""
    first = model._default_manager.first()
    body = {"action": action, "_selected_action": [str(first.pk)], "select_across": "1", "index": "0"}
    answer = client.post(changelist(model) + query, body)
    assert answer.status_code == 302, answer.content.decode()
    assert "/confirm/" in answer["Location"], answer["Location"]
    return str(answer["Location"])


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def work() -> None:
    """What a worker does, until there is nothing left to do."""
    while (job := Job.objects.filter(status=JobStatus.QUEUED).order_by("created_at").first()) is not None:
        runner.deliver(str(job.pk))


def confirmed(client: Client, confirm: str, options: Mapping[str, Any] | None = None) -> Job:
    """Press the button, and have it done: the job whose id the selection had."""
    answer = client.post(confirm, dict(options or {}))
    assert answer.status_code == 302, answer.content.decode()
    assert "/admin/core/job/" in answer["Location"], answer["Location"]
    work()
    return Job.objects.get(pk=confirm.rstrip("/").rpartition("/")[2])


def outcomes(job: Job) -> dict[str, int]:
    """How many objects of a job ended how."""
    found: dict[str, int] = {}
    for outcome in job.items.values_list("outcome", flat=True):
        found[outcome] = found.get(outcome, 0) + 1
    return found
