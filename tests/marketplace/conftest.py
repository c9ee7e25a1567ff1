"""Sources with something in them, for the tests of the marketplace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from tests.conftest import Repository
from tests.marketplace.scanning import scan


@pytest.fixture
def registered(db: None, make_repository: Callable[..., Repository]) -> Callable[..., tuple[Repository, Source]]:
    """``registered(files)``: a repository and its source, scanned once."""

    def make(files: dict[str, str | None], name: str = "toolbox", **fields: Any) -> tuple[Repository, Source]:
        repository = make_repository(name, files)
        source = create_source(url=repository.url, actor=COMMAND_LINE, **fields)
        scan(source)
        return repository, source

    return make
