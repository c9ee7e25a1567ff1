"""Collections and projects on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collections_app.models import Project
from tests.core.conftest import worker  # noqa: F401 - a fixture
from tests.factories.deployments import put_project


@pytest.fixture
def roots(settings: Any, tmp_path: Path) -> Path:
    """The only folder below which projects may lie."""
    folder = tmp_path / "projects"
    folder.mkdir()
    settings.SKILLMEAT_PROJECT_ROOTS = [folder]
    return folder


@pytest.fixture
def project(db: None, roots: Path) -> Project:
    return put_project(roots)
