"""Reading a batch of blobs through GitHub's API: few one by one, many out of the archive of the commit."""

from __future__ import annotations

from collections.abc import Iterable

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.archive import archived_blobs
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamInvalid
from skillmeat_site.upstream.github_errors import Refused, meaning
from skillmeat_site.upstream.github_repository import GitHubRepository
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.gzipped import GunzipStream
from skillmeat_site.upstream.object_ids import blob_oid
from skillmeat_site.upstream.types import Blobs, Unread

ARCHIVE_TRIES = 2


class BlobBatch:
    """One batch on its way. Every content that is handed out has the id it was asked by."""

    def __init__(self, repository: GitHubRepository, settings: GitHubSettings, max_bytes: int) -> None:
        self._repository, self._settings, self._max_bytes = repository, settings, max_bytes
        self._found: dict[str, bytes] = {}
        self._unread: dict[str, Unread] = {}
        self._total = 0
        self._exists = False

    def read(self, commit: str, wanted: Iterable[str]) -> Blobs:
        """Read the blobs: at most ``max_single_blobs`` one by one, else out of the archive what it has of them.

        Raises ContentMismatch, UpstreamError by kind, LimitExceeded.
        """
        left = set(wanted)
        if len(left) > self._settings.max_single_blobs:
            left = self._from_archive(commit, left)
        for oid in sorted(left):
            self._single(oid)
        return Blobs(self._found, self._unread)

    def _from_archive(self, commit: str, wanted: set[str]) -> set[str]:
        """Read what the archive has, and return what it lacks, as long as that may be asked for one by one."""
        left = set(wanted)
        failure: UpstreamInvalid | LimitExceeded | None = None
        for _ in range(ARCHIVE_TRIES):
            try:
                self._scan_archive(commit, left)
            except LimitExceeded as error:
                # A second time it would be as large.
                failure = error
                break
            except UpstreamInvalid as error:
                failure = error
            else:
                failure = None
                break
            finally:
                left -= self._found.keys() | self._unread.keys()
        if len(left) > self._settings.max_missing_blobs:
            raise failure or UpstreamInvalid("the archive of the repository lacks many of the files of its listing")
        return left

    def _scan_archive(self, commit: str, wanted: set[str]) -> None:
        settings = self._settings
        left = set(wanted)
        with self._repository.archive(commit) as read:
            stream = GunzipStream(read, max_packed=settings.max_archive_bytes, max_bytes=settings.max_archive_unpacked)
            members = archived_blobs(stream, max_bytes=self._max_bytes, max_members=settings.max_entries)
            for oid, content in members:
                if oid not in left:
                    continue
                left.remove(oid)
                self._keep(oid, content)
                if not left:
                    # What follows is not needed, so that nobody waits for it.
                    return

    def _single(self, oid: str) -> None:
        try:
            content = self._repository.blob(oid, self._max_bytes)
            if blob_oid(content) != oid:
                content = self._repository.blob_from_json(oid, self._max_bytes)
        except LimitExceeded:
            self._keep(oid, None)
        except Refused as refused:
            self._leave_out(oid, refused)
        else:
            if blob_oid(content) != oid:
                raise ContentMismatch(f"the content of {oid} has another id")
            self._keep(oid, content if len(content) <= self._max_bytes else None)

    def _leave_out(self, oid: str, refused: Refused) -> None:
        """Remember why GitHub does not give a blob. A repository that is gone is an error, and not a missing file."""
        answer = refused.answer
        if answer.status == 403:
            if b"too_large" not in answer.body:
                raise meaning(answer, had_token=True) from None
            self._keep(oid, None)
            return
        if not self._exists:
            self._repository.check_exists()
            self._exists = True
        self._unread[oid] = Unread.MISSING

    def _keep(self, oid: str, content: bytes | None) -> None:
        """Take a blob, or that it is too large. Raises LimitExceeded where the batch holds too much."""
        if content is None:
            self._unread[oid] = Unread.TOO_LARGE
            return
        self._total += len(content)
        if self._total > self._settings.max_read_bytes:
            raise LimitExceeded(f"the files read at once are larger than {self._settings.max_read_bytes} bytes")
        self._found[oid] = content
