"""Repositories that a collection was imported from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketplace.models import Source
from tests.collections_app.refresh.refreshing import import_all
from tests.conftest import Repository, skills
from tests.marketplace.conftest import hub, on_github, registered  # noqa: F401 - fixtures

Registered = Callable[..., tuple[Repository, Source]]


@pytest.fixture
def repository(registered: Registered) -> Repository:  # noqa: F811
    """Three skills and a command, imported."""
    files = {**skills("alpha", "beta", "gamma"), ".claude/commands/deploy.md": "---\ndescription: Deploys\n---\nGo\n"}
    made, source = registered(files)
    import_all(source)
    return made
