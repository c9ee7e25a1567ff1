"""A bare, blobless copy of one repository on disk: a cache that may be thrown away at any moment it is not in use."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from skillmeat_site.core.errors import DiskFull, LimitExceeded
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamRefNotFound
from skillmeat_site.upstream.git_errors import MirrorSuspect, classify
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.locks import hold
from skillmeat_site.upstream.object_ids import blob_oid
from skillmeat_site.upstream.process import DEFAULT_MAX_OUTPUT, Deadline, GitResult, run_git
from skillmeat_site.upstream.remote import Remote
from skillmeat_site.upstream.types import Head, RepositoryAddress, Tick

_FETCH = (
    *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none"),
    *("--no-auto-maintenance", "--no-show-forced-updates"),
)
_LATEST = "refs/skillmeat/latest"
"""The commit fetched last: what the next fetch tells the host to have, so that only changed trees travel."""


def mirror_path(mirrors: Path, address: RepositoryAddress) -> Path:
    """Return where the mirror of a repository is: two levels, so that no folder grows to thousands of entries."""
    digest = hashlib.sha256(address.key.encode("utf-8", "surrogateescape")).hexdigest()
    return mirrors / digest[:2] / f"{digest}.git"


def lock_path(mirror: Path) -> Path:
    """Return the lock file of a mirror. It lies beside it, because the mirror itself may be thrown away."""
    return mirror.with_suffix(".lock")


@contextmanager
def open_mirror(settings: GitSettings, address: RepositoryAddress, deadline: Deadline, tick: Tick) -> Iterator[Mirror]:
    """Hold the mirror of a repository for this process alone, made or repaired as far as needed."""
    path = mirror_path(settings.mirrors, address)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with hold(lock_path(path), deadline, tick) as lock:
            mirror = Mirror(settings, path, lock, deadline, tick)
            mirror.prepare()
            yield mirror
            os.utime(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                "the disk that holds the mirrors is full; make room, or lower SKILLMEAT_MIRROR_MAX_BYTES"
            ) from error
        raise


class Mirror:
    """A mirror whose lock this process holds. What it raises beside UpstreamError by kind: LimitExceeded, DiskFull.

    MirrorSuspect means that the copy may be damaged: ``discard`` it and try again.
    """

    def __init__(self, settings: GitSettings, path: Path, lock: int, deadline: Deadline, tick: Tick) -> None:
        self._settings, self.path, self._lock = settings, path, lock
        self._deadline, self._tick = deadline, tick

    def prepare(self) -> None:
        """Make the mirror where there is none, and remove what a killed process left in it."""
        if not all((self.path / part).exists() for part in ("HEAD", "config", "objects", "refs")):
            self.discard()
            self._make()
        # Nobody else holds the mirror, so that no lock and no unfinished pack belongs to anybody.
        leftovers = [*self.path.glob("*.lock"), *self.path.glob("refs/**/*.lock")]
        leftovers += [*self.path.glob("objects/pack/tmp_*"), *self.path.glob("objects/pack/.tmp-*")]
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)

    def _make(self) -> None:
        fresh = self.path.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._local(["init", "--quiet", "--bare", "--template="], git_dir=fresh)
        fresh.rename(self.path)

    def discard(self) -> None:
        """Throw the mirror away."""
        shutil.rmtree(self.path, ignore_errors=True)

    def tree_of(self, commit: str) -> str | None:
        """Return the id of the commit's tree, or None where the mirror does not have both."""
        answers = self._local(["cat-file", "--batch-check"], stdin=f"{commit}\n{commit}^{{tree}}\n".encode())
        lines = answers.stdout.decode().splitlines()
        if len(lines) != 2 or lines[1].endswith(" missing"):
            return None
        oid, kind, _ = lines[0].split(" ")
        if oid != commit or kind != "commit":
            raise UpstreamRefNotFound("the id is not one of a commit")
        return lines[1].split(" ")[0]

    def ls_tree(self, tree: str) -> GitResult:
        """List a tree with everything below it, cut off at the settings' number of bytes."""
        limit = self._settings.max_listing_bytes
        args = ["ls-tree", "-r", "-t", "-z", "--full-tree", tree]
        return self._local(args, max_output=limit, truncate=True)

    def fetch_commit(self, remote: Remote, head: Head) -> None:
        """Fetch the trees of the commit, and nothing of its history. Raises UpstreamRefNotFound where it is gone."""
        try:
            self._fetch(remote, ["--depth=1", "origin", f"+{head.commit}:{_LATEST}"])
        except UpstreamRefNotFound:
            if not head.ref.startswith("refs/"):
                raise
            # Old servers hand out the tips of refs only. If the tip has moved on, the commit is missing afterwards.
            self._fetch(remote, ["--depth=1", "origin", f"+{head.ref}:{_LATEST}"])

    def fetch_blobs(self, remote: Remote, oids: Iterable[str]) -> None:
        """Fetch these blobs in one batch. Raises UpstreamRefNotFound where the host does not have one of them."""
        stdin = "".join(f"{oid}\n" for oid in oids).encode()
        # Without negotiation: what the mirror has of commits says nothing about which blobs it has.
        self._fetch(remote, ["--stdin", "origin"], [("fetch.negotiationAlgorithm", "noop")], stdin)

    def _fetch(
        self, remote: Remote, args: Sequence[str], config: Sequence[tuple[str, str]] = (), stdin: bytes = b""
    ) -> None:
        limit = self.pack_bytes() + self._settings.max_fetch_bytes

        def watch() -> None:
            if self.pack_bytes() > limit:
                raise LimitExceeded(f"the repository sends more than {self._settings.max_fetch_bytes} bytes")

        remote.run(
            [*_FETCH, *args],
            self._deadline,
            git_dir=self.path,
            config=config,
            stdin=stdin,
            tick=self._tick,
            watch=watch,
            pass_fds=(self._lock,),
        )
        watch()

    def pack_bytes(self) -> int:
        """Bytes of packs in the mirror, those being received included."""
        total = 0
        with os.scandir(self.path / "objects" / "pack") as entries:
            for entry in entries:
                try:
                    total += entry.stat().st_size
                except FileNotFoundError:
                    continue
        return total

    def look_up(self, oids: Iterable[str]) -> tuple[dict[str, int], set[str]]:
        """Return the sizes of those of the blobs that the mirror has, and the ids that are something else in it."""
        answers = self._local(["cat-file", "--batch-check"], stdin="".join(f"{oid}\n" for oid in oids).encode())
        sizes, others = {}, set()
        for line in answers.stdout.decode().splitlines():
            oid, kind, *size = line.split(" ")
            if kind == "blob":
                sizes[oid] = int(size[0])
            elif size:
                others.add(oid)
        return sizes, others

    def read(self, sizes: dict[str, int]) -> dict[str, bytes]:
        """Return the blobs, each compared with its id. Raises ContentMismatch, MirrorSuspect where one is damaged."""
        stdin = "".join(f"{oid}\n" for oid in sizes).encode()
        # Each blob has a line before it: its id, the word blob, its size.
        limit = sum(sizes.values()) + 100 * len(sizes)
        output = memoryview(self._local(["cat-file", "--batch"], stdin=stdin, max_output=limit).stdout)
        found: dict[str, bytes] = {}
        start = 0
        for oid, size in sizes.items():
            start += len(f"{oid} blob {size}\n")
            found[oid] = bytes(output[start : start + size])
            start += size + 1
            if blob_oid(found[oid]) != oid:
                raise ContentMismatch(f"the content of {oid} has another id")
        return found

    def gc(self) -> None:
        """Pack everything into one. Leaves what it cannot do for the next time."""
        # Told that missing blobs are to be had elsewhere, git does not take them for damage.
        self._local(["gc", "--quiet"], config=[("remote.origin.promisor", "true")], check=False)

    def _local(
        self,
        args: Sequence[str],
        *,
        stdin: bytes = b"",
        config: Sequence[tuple[str, str]] = (),
        max_output: int = DEFAULT_MAX_OUTPUT,
        truncate: bool = False,
        check: bool = True,
        git_dir: Path | None = None,
    ) -> GitResult:
        """Run git on the mirror alone: no transport is allowed and no remote is known."""
        result = run_git(
            args,
            deadline_seconds=self._deadline.remaining(),
            git=self._settings.git,
            git_dir=git_dir or self.path,
            config=config,
            stdin=stdin,
            max_output=max_output,
            truncate=truncate,
            tick=self._tick,
            pass_fds=(self._lock,),
        )
        if check and result.code != 0:
            error = classify(result.stderr, RepositoryAddress("file://", "", "", ""), had_token=False)
            raise error if isinstance(error, DiskFull) else MirrorSuspect("the mirror of the repository is damaged")
        return result
