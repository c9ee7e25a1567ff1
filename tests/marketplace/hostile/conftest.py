"""A repository on a real git server over http, registered and scanned once, that changes and then misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from marketplace.models import ScanRun, Source
from marketplace.services.entries import set_excluded
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import Job
from skillmeat_site.upstream.sample import create_repository
from tests.conftest import Repository, skill, skills
from tests.fakes.git_http import GitHttp, serve
from tests.marketplace.answers import BASE, ok, refused
from tests.marketplace.scanning import counters, dump, scan, statuses


@dataclass
class Ordeal:
    """A scanned source whose repository has changed in every way since; one of its entries is excluded."""

    api: APIClient
    source: Source
    repository: Repository
    server: GitHttp | None = None

    def rescan(self, **body: Any) -> Any:
        return self.api.post(f"{BASE}/sources/{self.source.pk}/rescan", body, format="json")

    def told(self) -> dict[str, Any]:
        """The source as REST shows it."""
        return ok(self.api.get(f"{BASE}/sources/{self.source.pk}"))

    def fails(self, code: str, *, status: int = 500, health: str = "failing", says: str) -> dict[str, Any]:
        """A rescan over REST is refused with this code and a word on what to do, and nothing is lost by it."""
        before, was = dump(), self._good()
        body = refused(self.rescan(), status, code)
        assert says in body["detail"]
        assert dump() == before
        told = self.told()
        assert (told["health"], told["last_error"]) == (health, {"code": code, "detail": body["detail"]})
        assert self._good() == was
        self.source.refresh_from_db()
        assert self.source.lease_token is None
        assert self.source.not_before is not None
        assert (Job.objects.first().status, Job.objects.first().error_code) == ("failed", code)
        assert ScanRun.objects.first().code == code
        return body

    def recovers(self) -> None:
        """The next scan, with nothing in its way, does all that there was to do."""
        assert counters(ok(self.rescan())) == {"new": 1, "updated": 1, "removed": 1, "unchanged": 1}
        assert statuses(self.source) == {
            "skills/changes": "updated",
            "skills/goes": "removed",
            "skills/stays": "excluded",
            "skills/comes": "new",
        }
        told = self.told()
        assert (told["health"], told["last_error"]) == ("fresh", None)

    def _good(self) -> tuple[Any, ...]:
        columns = ("head_commit", "tree_oid", "counts", "counters", "last_success_at", "listing_complete")
        return Source.objects.values_list(*columns).get(pk=self.source.pk)


FIRST = skills("changes", "goes", "stays")
SECOND = {"skills/changes/SKILL.md": skill("changes", "new"), "skills/goes/SKILL.md": None, **skills("comes")}


def ordeal(api: APIClient, repository: Repository, url: str, server: GitHttp | None = None) -> Ordeal:
    repository.commit(FIRST)
    source = create_source(url=url, actor=COMMAND_LINE)
    scan(source)
    stays = source.entries.get(path="skills/stays")
    set_excluded([stays.pk], excluded=True, reason="mine", actor=COMMAND_LINE)
    repository.commit(SECOND)
    return Ordeal(api, source, repository, server)


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[GitHttp]:
    """A host of git repositories on loopback, the only one allowed."""
    (tmp_path / "srv").mkdir()
    with serve(tmp_path / "srv") as running:
        settings.SKILLMEAT_ALLOWED_HOSTS = [running.url]
        yield running


def hosted_repository(server: GitHttp, path: str = "acme/tools") -> Repository:
    repository = Repository(server.root / f"{path}.git")
    create_repository(repository.path)
    return repository


@pytest.fixture
def hosted(api: APIClient, server: GitHttp) -> Ordeal:
    return ordeal(api, hosted_repository(server), f"{server.url}/acme/tools", server)


@pytest.fixture
def local(api: APIClient, make_repository: Any) -> Ordeal:
    repository = make_repository("tools")
    return ordeal(api, repository, repository.url)
