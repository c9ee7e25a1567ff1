"""A collection directory and a store of history, for tests."""

from pathlib import Path

import pytest

from collections_app.store.history import History


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    path = tmp_path / "collections" / "default"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.git"


@pytest.fixture
def history(store: Path) -> History:
    return History(store)
