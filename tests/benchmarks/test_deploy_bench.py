"""Deploying 100 artifacts, and the drift of 100 deployments."""

from __future__ import annotations

import pytest

from collections_app.services.drift import drift_of
from tests.collections_app.deploying import deploy, hook, outcomes, server
from tests.factories.deployments import put_artifact, put_project

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db]


def artifacts():
    """70 skills of 5 files, 10 commands, 10 hooks, 10 servers."""
    files = {"SKILL.md": "x" * 4_000, **{f"references/{n}.md": f"{n}" * 2_000 for n in range(4)}}
    made = [put_artifact("skill", f"s{n}", {**files, "n.txt": str(n)}) for n in range(70)]
    made += [put_artifact("command", f"ns:c{n}", f"{n}\n" * 200) for n in range(10)]
    made += [put_artifact("hook", f"h{n}", hook(f"h{n}.sh")) for n in range(10)]
    return made + [put_artifact("mcp", f"m{n}", server(f"m{n}")) for n in range(10)]


def test_deploy_and_drift(tmp_path, settings, measured, record_figure):
    settings.SKILLMEAT_PROJECT_ROOTS = [tmp_path / "projects"]
    project = put_project(tmp_path / "projects")
    made = artifacts()
    with measured() as cost:
        assert outcomes(deploy(project, *made)) == [("created", "")] * 100
    record_figure("deploying 100 artifacts", cost.seconds, "s", None)
    with measured() as cost:
        report = drift_of(project)
    assert report.summary["in_sync"] == 100
    record_figure("drift of 100 deployments", cost.seconds, "s", 1.0)
    record_figure("drift of 100 deployments, git calls", cost.git_calls, "calls", 0)
    record_figure("drift of 100 deployments, statements", len(cost.statements), "statements", 5)
