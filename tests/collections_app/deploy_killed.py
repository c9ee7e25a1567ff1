"""Run by ``test_deploy_processes``: deploys or undeploys over and over, and is killed one step later each time.

Everything is put back before each round. Each round is a process of its own, forked, so that Django starts once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402

from collections_app.models import Artifact, Deployment, Project  # noqa: E402
from collections_app.services.recovery import recover_disk  # noqa: E402
from collections_app.store import checkpoints  # noqa: E402
from tests.collections_app.deploying import agreed, deploy, hook, outcomes, server, take_back, tree  # noqa: E402
from tests.factories.deployments import put_artifact  # noqa: E402

LIVE = Path(settings.SKILLMEAT_HOME).parent
KEPT = LIVE.parent / "kept"
SKILL = {"SKILL.md": "old", "run.sh": "#!/bin/sh\n"}
FOREIGN = '{"model": "x", "hooks": {}}\n'


def prepare():
    """An older skill and hook are deployed; a newer skill, a newer hook, a command and a server are to come."""
    folder = LIVE / "projects" / "app"
    (folder / ".claude").mkdir(parents=True)
    (folder / ".claude/settings.json").write_text(FOREIGN)
    project = Project.objects.create(path=str(folder), name="app")
    old = [put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("old.sh"))]
    assert outcomes(deploy(project, *old)) == [("created", "")] * 2
    put_artifact("skill", "a", {"SKILL.md": "new"})
    put_artifact("hook", "g", hook("new.sh"))
    put_artifact("command", "ns:c", "C\n")
    put_artifact("mcp", "m", server("m"))
    connections.close_all()
    shutil.copytree(LIVE, KEPT)


def put_back():
    connections.close_all()
    shutil.rmtree(LIVE)
    shutil.copytree(KEPT, LIVE)


def work(verb):
    project = Project.objects.get()
    if verb == "undeploy":
        return take_back(project)
    artifacts = Artifact.objects.order_by("pk")
    return deploy(project, *artifacts)


def killed_at(verb, number):
    """Whether the process was killed; it was not where there is no such step any more."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        steps = iter(range(number))

        def count(name):
            if next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        checkpoints.reached = count
        well = all(outcome in ("created", "updated", "removed") for outcome, _ in outcomes(work(verb)))
        os._exit(0 if well else 1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work itself failed"
    return os.WIFSIGNALED(status)


def state():
    project = Project.objects.get()
    files = {name: re.sub(r"deployed_at = .*", "", text) for name, text in tree(project.path).items()}
    return files, agreed(project), sorted(Deployment.objects.values_list("type", "name", "content_oid"))


def main(verb):
    prepare()
    before = state()
    assert not killed_at(verb, 10_000)
    after = state()
    assert before[1]
    assert after[1]
    assert before != after
    ends, number = [], 0
    while True:
        put_back()
        if not killed_at(verb, number):
            break
        recover_disk()
        home = Path(settings.SKILLMEAT_HOME)
        left = [*(home / "journal").glob("*"), *(home / "trash").glob("*")]
        found = state()
        end = "old" if found == before else "new" if found == after else "torn"
        strays = [str(path) for path in Path(Project.objects.get().path).rglob(".skillmeat")]
        ends.append({"step": number, "end": end, "left": [str(path) for path in [*left, *strays]]})
        number += 1
    print(json.dumps(ends))


main(sys.argv[1])
