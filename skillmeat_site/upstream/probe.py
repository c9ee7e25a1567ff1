"""What the git executable can do: asked of the executable itself, not of its version alone."""

from __future__ import annotations

import re
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

from skillmeat_site.upstream.process import run_git
from skillmeat_site.upstream.sample import commit, create_repository

MINIMUM = (2, 36)
"""The first whose fetch keeps to a filter while a batch of ids is asked for by --stdin (older ones are untested)."""
SECONDS = 20


@dataclass(frozen=True, slots=True)
class GitProbe:
    """``never_lazy``: with GIT_NO_LAZY_FETCH a missing blob is an error, not a request of its own."""

    version: str
    recent_enough: bool
    never_lazy: bool


def probe_git(git: str = "git") -> GitProbe:
    """Ask git for its version, and try it on a partial clone without a blob. Raises UpstreamError if it cannot run."""
    text = run_git(["version"], git=git, deadline_seconds=SECONDS).stdout.decode("utf-8", "replace")
    numbers = re.search(r"(\d+)\.(\d+)", text)
    version = tuple(int(number) for number in numbers.groups()) if numbers else (0, 0)
    return GitProbe(text.strip(), version >= MINIMUM, _never_lazy(git))


def _never_lazy(git: str) -> bool:
    """A blobless copy of a one-file repository: reading the file has to fail at once."""
    with tempfile.TemporaryDirectory(prefix="skillmeat-probe-") as folder:
        origin, copy = Path(folder, "origin.git"), Path(folder, "copy.git")
        create_repository(origin)
        commit(origin, {"file": "content"}, "one file", time=1_767_225_600)
        create_repository(copy)
        url = origin.as_uri()
        config = [
            ("protocol.file.allow", "always"),
            ("remote.origin.uploadpack", shlex.join([git, "-c", "uploadpack.allowFilter=true", "upload-pack"])),
            ("remote.origin.url", url),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialclonefilter", "blob:none"),
            ("extensions.partialClone", "origin"),
            ("core.repositoryFormatVersion", "1"),
        ]
        fetched = run_git(
            ["fetch", "--quiet", "--filter=blob:none", "origin", "refs/heads/main:refs/heads/main"],
            git=git,
            git_dir=copy,
            config=config,
            deadline_seconds=SECONDS,
        )
        read = run_git(
            ["cat-file", "blob", "refs/heads/main:file"],
            git=git,
            git_dir=copy,
            config=config,
            deadline_seconds=SECONDS,
        )
    return fetched.code == 0 and read.code != 0
