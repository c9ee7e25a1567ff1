"""After a day on which everything went wrong, no token is found anywhere: everything that was kept or said is read."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.urls import reverse

from marketplace.jobs import bulk_rescan, rescan
from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job, RefusedToken, UpstreamBudget, UpstreamToken
from skillmeat_site.core.upstream_tokens import change_token, store_token
from skillmeat_site.upstream.process import _Running
from skillmeat_site.upstream.watch import Watch
from tests.conftest import skills
from tests.fakes import github_faults as faults
from tests.fakes.git_http import status
from tests.marketplace.answers import BASE
from tests.marketplace.faults.conftest import pass_time

pytestmark = [pytest.mark.django_db, pytest.mark.fault(18)]

# Of shapes that no pattern for redaction knows.
ENVIRONMENT = "environment-value-0123456789-abcdefgh"
STORED = "stored-value-9876543210-zyxwvuts"
SECRETS = [ENVIRONMENT, STORED]
FORMS = [
    form
    for secret in SECRETS
    for form in (secret, base64.b64encode(f"x-access-token:{secret}".encode()).decode(), secret[:20])
]


def echo(code, message=""):
    """The host says back what it was sent, in body and headers."""

    def fault(handler):
        sent = handler.headers.get("Authorization", "")
        body = json.dumps({"message": f"{message} {sent}", "documentation_url": sent}).encode()
        handler.send_plainly(
            code, body, {"X-Echo": sent, "Location": f"http://127.0.0.1:1/?token={sent.split()[-1:]}"}
        )
        return True

    return fault


MISERIES = [
    echo(401, "Bad credentials"),
    echo(403, "Resource not accessible"),
    echo(403, "You have exceeded a secondary rate limit"),
    echo(404),
    echo(500),
    echo(302),
    echo(451),
    status(200, "<html>"),
    faults.reset,
    faults.drop,
    faults.cut_body,
]


@pytest.fixture
def commands(monkeypatch):
    """The arguments of every git that was started."""
    seen = []
    original = _Running.__init__

    def init(self, args, *more, **options):
        seen.append(list(args))
        original(self, args, *more, **options)

    monkeypatch.setattr(_Running, "__init__", init)
    return seen


def rows():
    """Every column of every row of every table."""
    return [list(model._default_manager.values()) for model in apps.get_models()]


def pages(admin_client):
    """Every list of the admin, and the page of every row that has one."""
    for model in apps.get_models():
        label = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        try:
            yield admin_client.get(reverse(f"{label}_changelist")).content.decode()
        except Exception:  # noqa: BLE001 - not in the admin
            continue
        for row in model._default_manager.all()[:30]:
            yield admin_client.get(reverse(f"{label}_change", args=[row.pk])).content.decode()


def files(folder):
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path.read_bytes().decode("latin-1")


def test_no_token_is_found_anywhere(hub, on_github, settings, api, admin_client, commands, caplog, capfd, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(Watch, "sleep", lambda self, seconds: None)  # between two tries
    settings.GITHUB_TOKEN = ENVIRONMENT
    row = store_token(name="other's", host=hub.url, owner="other", value=STORED, actor=COMMAND_LINE)
    on_github(skills("alpha"))
    on_github(skills(*(f"s{n}" for n in range(5))), "other/tools")
    sources = [
        create_source(url=f"{hub.url}/{owner}/tools", provider=provider, ref=ref, actor=COMMAND_LINE)
        for owner in ("acme", "other")
        for provider, ref in (("auto", ""), ("git", "main"))
    ]
    said = []

    def forgive():
        pass_time()
        RefusedToken.objects.all().delete()
        change_token(row, actor=COMMAND_LINE, changes={"value": STORED})
        Source.objects.update(not_before=None)

    def everything():
        ids = [source.pk for source in sources]
        for pk in ids:
            said.append(api.post(f"{BASE}/sources/{pk}/rescan", {"force": True}, format="json").content.decode())
        runner.run_inline(bulk_rescan, {"ids": ids}, COMMAND_LINE)
        said.append(
            api.post(f"{BASE}/sources/bulk-refresh-auto-tags", {"source_ids": ids}, format="json").content.decode()
        )
        said.append(api.get("/api/v1/rate-limit").content.decode())

    everything()
    for fault in MISERIES:
        hub.always("", fault)
        everything()
        said.append(api.get("/api/v1/rate-limit").content.decode())
        hub.behave()
        forgive()
    with monkeypatch.context() as broken:
        broken.setattr("marketplace.services.rescan.survey", bug)
        broken.setattr("skillmeat_site.upstream.github_http.GitHubSession.answer_of", bug)
        everything()
    for command in (["rescan", "--all"], ["refresh_auto_tags", "--all"], ["doctor"], ["list_sources"]):
        out = StringIO()
        with contextlib.suppress(SystemExit):
            call_command(*command, stdout=out, stderr=out)
        said.append(out.getvalue())
    for path in ("/api/v1/jobs?limit=500", f"{BASE}/sources", f"{BASE}/entries"):
        said.append(api.get(path).content.decode())
    said += [api.get(f"/api/v1/jobs/{job.pk}").content.decode() for job in Job.objects.all()[:100]]

    captured = capfd.readouterr()
    places = {
        "answers and commands": said,
        "arguments": [str(commands)],
        "URLs": hub.paths(),
        "log": [caplog.text, captured.out, captured.err, *(str(record.__dict__) for record in caplog.records)],
        "rows": [str(rows())],
        "admin": list(pages(admin_client)),
        "files": list(files(settings.SKILLMEAT_HOME)),
        "own environment": [str({name: value for name, value in os.environ.items() if name != "GITHUB_TOKEN"})],
    }
    sent = {request.headers.get("authorization", "") for request in hub.requests}
    assert {f"Bearer {secret}" for secret in SECRETS} <= sent, "they were used"
    assert commands
    assert all(places.values())
    assert "incident" in caplog.text, "a bug was logged with its trace"
    assert (UpstreamToken.objects.count(), UpstreamBudget.objects.exists()) == (1, True)
    found = [(place, form) for place, texts in places.items() for form in FORMS if any(form in text for text in texts)]
    assert found == []


def bug(*args, **more):
    """With the token in the locals of half of the frames."""
    raise RuntimeError("a bug")


def test_the_search_would_find_one(hub, settings, caplog):
    """So that the test above can fail."""
    settings.GITHUB_TOKEN = ENVIRONMENT
    caplog.set_level(logging.WARNING, "skillmeat_site")
    logging.getLogger("skillmeat_site").warning("token %s", ENVIRONMENT)
    assert FORMS[0] in caplog.text


def test_a_job_keeps_no_token_in_params_or_result(hub, on_github, settings):
    settings.GITHUB_TOKEN = ENVIRONMENT
    on_github(skills("alpha"))
    source = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    runner.run_inline(bulk_rescan, {"ids": [source.pk]}, COMMAND_LINE)
    runner.run_inline(rescan, {"source_id": source.pk}, COMMAND_LINE)
    assert Job.objects.count() >= 3
    assert ENVIRONMENT not in str(list(Job.objects.values()))
