"""One repository, read by git and by the API of ``@adobe/git-server``: the same catalog, column by column.

That server has trees, blobs and archives, and neither repositories nor refs; these our own fake adds. A bigger
repository is compared where SKILLMEAT_PEER_REPOSITORY names a bare one on this disk.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from marketplace.models import CatalogEntry, Manifest, Source
from marketplace.services.sources import create_source
from skillmeat_site.core import upstreams
from skillmeat_site.core.actor import COMMAND_LINE
from tests.conftest import skill, skills
from tests.fakes.git_http import Fault, Handler
from tests.fakes.github import GitHub
from tests.fakes.github_handler import API
from tests.marketplace.scanning import scan
from tests.peers.conftest import GitServer, peers_archive
from tests.upstream.conftest import Repo, git

pytestmark = [pytest.mark.peer, pytest.mark.django_db]

BIGGER = os.environ.get("SKILLMEAT_PEER_REPOSITORY", "")
OWN = {"id", "source_id", "key", "plugin_id", "duplicate_of_id", "first_seen_at", "updated_at"}
"""Columns of a row and not of what it tells."""
_PEERS = re.compile(r"/(git/trees|git/blobs|tarball)/")

Same = Callable[[str, Path, str], int]

FILES: dict[str, str | None] = {
    **skills("alpha", "beta", "gamma", "ünïcode and space"),
    "skills/alpha/scripts/run.sh": "#!/bin/sh\n",
    "skills/alpha/crlf.md": "a\r\nb\r\n",
    "copies/alpha/SKILL.md": skill("alpha"),
    ".claude/commands/git/deploy.md": "---\ndescription: Deploys\n---\n\nDeploy $ARGUMENTS\n",
    ".claude/agents/tester.md": "---\nname: tester\ndescription: Tests\n---\n\nTest.\n",
    ".claude-plugin/marketplace.json": json.dumps(
        {"name": "m", "owner": {"name": "o"}, "plugins": [{"name": "p", "source": "./p"}]}
    ),
    "p/.claude-plugin/plugin.json": '{"name": "p", "version": "1.0.0"}',
    "p/skills/inner/SKILL.md": skill("inner"),
    ".mcp.json": '{"mcpServers": {"files": {"command": "npx", "args": ["files"]}}}',
    "README.md": "# Tools\n",
}


def handed_to(peer: GitServer) -> Fault:
    """Let the peer answer, at its own base."""

    def answer(handler: Handler) -> bool:
        path = handler.path.removeprefix(API)
        told = requests.get(f"{peer.url}/api{path}", allow_redirects=False, timeout=60)
        body = told.content
        if "/git/blobs/" in path and told.ok:
            # Version 1.3.29 spells bytes as decimal numbers and calls that base64, whatever it is asked for.
            assert "raw" in handler.headers["Accept"]
            body = bytes(map(int, told.json()["content"].split(",")))
        names = ("Content-Type", "ETag", "Location")
        handler.answer(told.status_code, body, {name: told.headers[name] for name in names if name in told.headers})
        return True

    return answer


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every blob by itself, however many are wanted."""
    made = upstreams._github_settings
    monkeypatch.setattr(
        upstreams, "_github_settings", lambda *args, **more: replace(made(*args, **more), max_single_blobs=10_000)
    )


@pytest.fixture
def same(hub: GitHub, git_server: GitServer, settings: Any) -> Same:
    """Compare the catalogs of a bare repository's branch, and return how many entries they have."""

    def compare(name: str, bare: Path, ref: str) -> int:
        hub.add(name, bare)
        (hub.root / "acme").mkdir()
        (hub.root / f"{name}.git").symlink_to(bare)
        settings.SKILLMEAT_ALLOWED_HOSTS = [*settings.SKILLMEAT_ALLOWED_HOSTS, git_server.url]
        by_git = catalog(f"{hub.url}/{name}", "git", ref)
        assert {request.kind for request in hub.requests} == {"git"}
        hub.requests.clear()
        hub.always(_PEERS.pattern, handed_to(git_server))
        by_peer = catalog(f"{hub.url}/{name}", "github", ref)
        assert {request.kind for request in hub.requests} == {"api"}
        assert by_peer == by_git
        return len(by_git)

    return compare


def catalog(url: str, provider: str, ref: str) -> list[dict[str, Any]]:
    """Scan the source anew, and forget it: what every entry tells, sorted."""
    Manifest.objects.all().delete()
    source = create_source(url=url, actor=COMMAND_LINE, provider=provider, ref=ref)
    result = scan(source)
    assert result.listing_complete
    columns = [field.attname for field in CatalogEntry._meta.concrete_fields if field.attname not in OWN]
    rows = CatalogEntry.objects.values(*columns, "plugin__path", "duplicate_of__path")
    told = sorted(rows, key=lambda row: (row["path"], row["type"], row["discriminator"]))
    Source.objects.all().delete()
    return told


def test_by_trees_and_the_archive(same: Same, hub: GitHub, git_server: GitServer) -> None:
    repo = git_server.repository("acme/tools")
    commit(repo)
    with peers_archive():
        assert same("acme/tools", repo.path, "main") >= 9
    assert {"git/trees", "tarball"} <= peers_part(hub)


def test_by_trees_and_blobs(same: Same, hub: GitHub, git_server: GitServer, one_by_one: None) -> None:
    repo = git_server.repository("acme/others")
    commit(repo)
    assert same("acme/others", repo.path, "main") >= 9
    assert peers_part(hub) == {"git/trees", "git/blobs"}


def peers_part(hub: GitHub) -> set[str]:
    """The endpoints that the peer answered at."""
    return {found[1] for path in hub.paths() if (found := _PEERS.search(path))}


def commit(repo: Repo) -> None:
    """The files above, with an executable, a symbolic link and a submodule beside them."""
    repo.commit({name: text.encode() for name, text in FILES.items() if text is not None})
    target = git(repo.path, "hash-object", "-w", "--stdin", stdin=b"skills/alpha")
    lines = git(repo.path, "ls-tree", "-z", "main").encode()
    lines += f"120000 blob {target}\tlink\0160000 commit {'1' * 40}\tvendored\0".encode()
    tree = git(repo.path, "mktree", "-z", "--missing", stdin=lines)
    git(repo.path, "update-ref", "refs/heads/main", git(repo.path, "commit-tree", tree, "-p", "main", "-m", "odd"))


@pytest.mark.skipif(not BIGGER, reason="SKILLMEAT_PEER_REPOSITORY names no bare repository")
def test_a_bigger_one(same: Same, git_server: GitServer, one_by_one: None) -> None:
    """By blobs: of a thousand files, the archive of that server (1.3.29) leaves out most."""
    repo = git_server.repository("acme/bigger", Path(BIGGER))
    branch = git(Path(BIGGER), "symbolic-ref", "--short", "HEAD")
    print(f"{same('acme/bigger', repo.path, branch)} entries by git and by the peer")
