"""Servers that others wrote, as fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from skillmeat_site.upstream.errors import UpstreamInvalid
from tests.marketplace.conftest import hub  # noqa: F401 - a fixture
from tests.peers.running import installed, serving
from tests.upstream.conftest import Repo, git, make_repo

TOKEN = "0" * 39 + "1"
"""The token that the recorded requests were sent with."""
ORG = "octokit-fixture-org"
THEN = {
    "Authorization": f"token {TOKEN}",
    "Accept": "application/vnd.github.v3+json",
    "Content-Type": "application/json; charset=utf-8",
}
"""Headers as they were recorded."""


@dataclass(frozen=True)
class GitServer:
    """``@adobe/git-server``. It looks for the folder of a working tree, and ``.git`` below it."""

    url: str
    root: Path

    def repository(self, name: str, of: Path | None = None) -> Repo:
        """Make a repository there: an empty one, or a copy of another."""
        path = self.root / name / ".git"
        path.parent.mkdir(parents=True)
        if of is None:
            repo = make_repo(path)
        else:
            git(self.root, "clone", "--quiet", "--bare", str(of), str(path))
            repo = Repo(path)
        # Of the commit that HEAD names, that server packs the working tree; and there is none.
        other = git(path, "commit-tree", git(path, "mktree"), "-m", "x")
        git(path, "update-ref", "refs/heads/elsewhere", other)
        git(path, "symbolic-ref", "HEAD", "refs/heads/elsewhere")
        return repo


@contextmanager
def peers_archive() -> Iterator[None]:
    """That server (1.3.29), busy, leaves files out of its archive; that the client notices is all to see then."""
    try:
        yield
    except UpstreamInvalid as error:
        if "archive of the repository lacks" not in error.detail:
            raise
        pytest.skip("the peer left files out of its archive, which the client refused")


@pytest.fixture(scope="module")
def git_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    installed("@adobe/git-server")
    root = tmp_path_factory.mktemp("peer")
    (root / "repos").mkdir()
    with serving("git_server.mjs", {"root": str(root / "repos"), "logs": str(root / "logs")}) as told:
        yield GitServer(f"http://127.0.0.1:{told['port']}", root / "repos")


@dataclass(frozen=True)
class Recordings:
    """``@octokit/fixtures-server``: what GitHub answered. ``download`` stands for codeload, on another port."""

    api: str
    download: str

    def scenario(self, name: str) -> str:
        """Lay out a recording, and return its base of the API. Its answers are given once each, in their order."""
        answer = requests.post(f"{self.api}/fixtures", json={"scenario": name}, timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"])

    def requests(self, base: str) -> list[dict[str, Any]]:
        """What was asked of the recording at this base, in order; of paths, what follows the base."""
        here = base.rpartition("/")[2]
        told: list[dict[str, Any]] = requests.get(f"{self.api}/requests", timeout=30).json()
        return [{**one, "path": one["path"].partition(here)[2]} for one in told if here in one["path"]]


@pytest.fixture(scope="module")
def recordings() -> Iterator[Recordings]:
    installed("@octokit/fixtures-server")
    with serving("recordings.mjs", {}) as told:
        yield Recordings(told["api"], told["download"])
