"""Real repositories, made by the real git, and a real server for them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import RepositoryAddress
from tests.fakes.git_http import GitHttp, serve

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(path: Path, *args: str, stdin: bytes = b"") -> str:
    """Run git in a folder, outside the code under test."""
    command = ["git", "-C", str(path), *args]
    done = subprocess.run(command, input=stdin, capture_output=True, env=_ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return os.fsdecode(done.stdout).strip()


@dataclass(frozen=True)
class Repo:
    """A bare repository that is written to without a working tree."""

    path: Path

    def commit(self, files: dict[str, bytes], *, branch: str = "main", parent: str = "") -> str:
        """Make a commit with exactly these files, point the branch to it, and return its id."""
        lines = []
        for name, content in files.items():
            oid = git(self.path, "hash-object", "-w", "--stdin", stdin=content)
            lines.append(f"100644 blob {oid}\t".encode() + os.fsencode(name) + b"\0")
        index = {"GIT_INDEX_FILE": str(self.path / "test-index")}
        environment = _ENVIRONMENT | index
        subprocess.run(
            ["git", "-C", str(self.path), "update-index", "-z", "--index-info"],
            input=b"".join(line.replace(b" blob ", b" ") for line in lines),
            env=environment,
            check=True,
        )
        tree = (
            subprocess.run(
                ["git", "-C", str(self.path), "write-tree"], env=environment, check=True, capture_output=True
            )
            .stdout.decode()
            .strip()
        )
        (self.path / "test-index").unlink(missing_ok=True)
        parents = ["-p", parent] if parent else []
        commit = git(self.path, "commit-tree", tree, *parents, "-m", "c")
        git(self.path, "update-ref", f"refs/heads/{branch}", commit)
        return commit

    def oid(self, revision: str) -> str:
        return git(self.path, "rev-parse", revision)


@pytest.fixture(autouse=True)
def _neutral_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)


def make_repo(path: Path) -> Repo:
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main", ".")
    return Repo(path)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An empty repository, served as ``/acme/tools``."""
    return make_repo(tmp_path / "srv" / "acme" / "tools.git")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttp]:
    (tmp_path / "srv").mkdir(exist_ok=True)
    with serve(tmp_path / "srv") as running:
        yield running


@pytest.fixture
def policy(server: GitHttp, tmp_path: Path) -> AccessPolicy:
    """The server and the folder of repositories are allowed."""
    return AccessPolicy(allowed_hosts=(server.url,), local_roots=(tmp_path / "srv",))


@pytest.fixture
def git_settings(tmp_path: Path, policy: AccessPolicy) -> GitSettings:
    return GitSettings(mirrors=tmp_path / "mirrors", policy=policy, timeout=30, fetch_timeout=30)


@pytest.fixture
def provider(git_settings: GitSettings) -> GitProvider:
    return GitProvider(git_settings)


@pytest.fixture
def address(server: GitHttp, policy: AccessPolicy) -> RepositoryAddress:
    return parse_url(f"{server.url}/acme/tools", policy)


@pytest.fixture
def local_address(repo: Repo, policy: AccessPolicy) -> RepositoryAddress:
    return parse_url(str(repo.path), policy)
