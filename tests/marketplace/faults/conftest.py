"""A source on the loopback GitHub, read with a token; its requests are what the tests look at."""

from __future__ import annotations

import gzip
import io
import itertools
import tarfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import UpstreamBudget
from tests.conftest import Repository, skills
from tests.fakes.github import GitHub
from tests.marketplace.sweeping import TOKEN


@pytest.fixture
def upstream(hub: GitHub, settings: Any) -> GitHub:
    settings.GITHUB_TOKEN = TOKEN
    return hub


@pytest.fixture
def tools(upstream: GitHub, on_github: Callable[..., Repository]) -> Repository:
    """``acme/tools``, with two skills."""
    return on_github(skills("alpha", "beta"))


@pytest.fixture
def source(db: None, upstream: GitHub, tools: Repository) -> Source:
    """Of ``acme/tools``; not scanned yet."""
    return create_source(url=f"{upstream.url}/acme/tools", actor=COMMAND_LINE)


@pytest.fixture
def by_api(source: Source) -> Source:
    """The same, by the API alone: git does not stand by."""
    Source.objects.filter(pk=source.pk).update(provider="github")
    source.refresh_from_db()
    return source


def pass_time(**columns: Any) -> None:
    """Let all that the ledger waits for be over."""
    before = timezone.now() - timedelta(seconds=1)
    UpstreamBudget.objects.update(cooldown_until=before, reset_at=before, offline_until=before)


def asked(hub: GitHub, part: str, kind: str = "") -> list[str]:
    """The paths that hold this, by the server's log."""
    return [path for path in hub.paths(kind) if part in path]


def packed_tar(files: Mapping[str, bytes], members: Sequence[tarfile.TarInfo] = ()) -> bytes:
    """A tar.gz of these files, and before them of members without content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for member in members:
            tar.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), 1)


def gaps(hub: GitHub) -> list[float]:
    """Seconds between one request and the next, by the server's log."""
    moments = [request.at for request in hub.requests]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]
