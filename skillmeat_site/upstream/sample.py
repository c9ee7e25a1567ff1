"""Making a small repository, for the demonstration: it has something to scan where there is no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from skillmeat_site.upstream.errors import UpstreamInvalid
from skillmeat_site.upstream.process import run_git

BRANCH = "refs/heads/main"
SECONDS = 60


def create_repository(path: Path) -> None:
    """Make an empty bare repository. Raises UpstreamInvalid where git refuses."""
    path.mkdir(parents=True, exist_ok=True)
    _git(path, ["init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(path)])


def commit(path: Path, files: Mapping[str, str | None], message: str, *, time: int) -> None:
    """Add a commit to the branch ``main``: files with new content, None to delete one. ``time`` in epoch seconds.

    The same calls give the same commit ids. Raises UpstreamInvalid where git refuses.
    """
    parent = _tip(path)
    text = message.encode()
    stream = [f"commit {BRANCH}", f"committer SkillMeat <demo@skillmeat.invalid> {time} +0000", f"data {len(text)}"]
    body = "\n".join(stream).encode() + b"\n" + text + b"\n"
    if parent:
        body += f"from {parent}\n".encode()
    for name, content in files.items():
        if content is None:
            body += f"D {name}\n".encode()
            continue
        data = content.encode()
        body += f"M 100644 inline {name}\ndata {len(data)}\n".encode() + data + b"\n"
    _git(path, ["fast-import", "--quiet"], body)


def _tip(path: Path) -> str:
    return _git(path, ["for-each-ref", "--format=%(objectname)", BRANCH]).strip()


def _git(path: Path, args: list[str], stdin: bytes = b"") -> str:
    git_dir = None if args[0] == "init" else path
    result = run_git(args, git_dir=git_dir, stdin=stdin, deadline_seconds=SECONDS)
    if result.code:
        raise UpstreamInvalid("git could not make the sample repository")
    return result.stdout.decode()
