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
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import RepositoryAddress
from tests.fakes.git_http import GitHttp, serve
from tests.fakes.github import GitHub, serve_github

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
        head = f"commit refs/heads/{branch}\nmark :1\ncommitter A <a@example.org> 1700000000 +0000\ndata 1\nc\n"
        stream = [head.encode(), f"from {parent}\n".encode() if parent else b"", b"deleteall\n"]
        for name, content in files.items():
            quoted = os.fsencode(name).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
            stream += [b'M 100644 inline "', quoted, b'"\ndata %d\n' % len(content), content, b"\n"]
        stream.append(b"\nget-mark :1\n")
        return git(self.path, "fast-import", "--quiet", "--force", stdin=b"".join(stream))

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


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    """A loopback GitHub with the same repositories as ``server``."""
    (tmp_path / "srv").mkdir(exist_ok=True)
    with serve_github(tmp_path / "srv") as running:
        yield running


@pytest.fixture
def github_policy(github: GitHub) -> AccessPolicy:
    return AccessPolicy(allowed_hosts=(github.url,), github_url=github.url)


@pytest.fixture
def github_settings(github: GitHub, github_policy: AccessPolicy) -> GitHubSettings:
    """The API alone, without pauses between attempts."""
    return GitHubSettings(
        api_url=github.api_url,
        graphql_url=github.graphql_url,
        policy=github_policy,
        download_hosts=(github.codeload_host,),
        retry_seconds=0,
        timeout=20,
        fetch_timeout=20,
    )


@pytest.fixture
def github_provider(github_settings: GitHubSettings) -> GitHubProvider:
    return GitHubProvider(github_settings)


@pytest.fixture
def github_address(github: GitHub, github_policy: AccessPolicy) -> RepositoryAddress:
    return parse_url(f"{github.url}/acme/tools", github_policy)
