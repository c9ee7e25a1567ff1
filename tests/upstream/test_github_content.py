"""Content is what its id says, however it came: out of an archive, one by one, or by the other way."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from skillmeat_site.core.errors import DomainError, LimitExceeded
from skillmeat_site.upstream.archive import ArchivedBlob, archived_blobs
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamInvalid, UpstreamNotFound, UpstreamRateLimited
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.gzipped import GunzipStream
from skillmeat_site.upstream.object_ids import blob_oid
from skillmeat_site.upstream.types import CommitOid, Head, RepositoryAddress, Unread
from tests.fakes import github_faults as faults
from tests.fakes.git_http import status
from tests.fakes.github import GitHub
from tests.upstream.conftest import Repo

FILES = {f"s{n}/SKILL.md": os.urandom(2000) for n in range(30)}
OIDS = {blob_oid(content): content for content in FILES.values()}


@pytest.fixture
def head(repo: Repo) -> Head:
    return Head(CommitOid(repo.commit(FILES)), "refs/heads/main")


class TestArchive:
    @pytest.mark.parametrize(
        "fault",
        [
            faults.cut_body,
            faults.cut_chunk,
            faults.mangled(lambda body: body[:-4]),
            faults.mangled(lambda body: body[: len(body) // 2]),
            faults.mangled(lambda body: b"<html>"),
            faults.mangled(lambda body: gzip.compress(b"no tar" * 1000)),
            status(503),
            faults.reset,
        ],
    )
    def test_a_fault_that_passes_is_not_noticed(
        self,
        fault: faults.Fault,
        head: Head,
        github: GitHub,
        github_provider: GitHubProvider,
        github_address: RepositoryAddress,
    ) -> None:
        github.on("/legacy.tar.gz/", fault)
        assert github_provider.read(github_address, head, list(OIDS), max_bytes=9999).found == OIDS
        assert 2 <= len(github.requests) <= 4

    def test_one_that_stays_is_an_error_and_few_requests(
        self, head: Head, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        github.always("/legacy.tar.gz/", faults.mangled(lambda body: body[:200]))
        with pytest.raises(UpstreamInvalid):
            github_provider.read(github_address, head, list(OIDS), max_bytes=9999)
        assert len(github.requests) == 4

    def test_what_it_lacks_is_asked_for_singly_up_to_a_bound(
        self, head: Head, github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress
    ) -> None:
        github.always("/legacy.tar.gz/", faults.mangled(_without(5)))
        provider = GitHubProvider(replace(github_settings, max_missing_blobs=5))
        assert provider.read(github_address, head, list(OIDS), max_bytes=9999).found == OIDS
        assert len(github.requests) == 2 + 5
        strict = GitHubProvider(replace(github_settings, max_missing_blobs=4))
        with pytest.raises(UpstreamInvalid, match="lacks"):
            strict.read(github_address, head, list(OIDS), max_bytes=9999)
        assert len(github.requests) == 7 + 2

    @pytest.mark.parametrize("cap", [{"max_archive_bytes": 5000}, {"max_archive_unpacked": 9000}, {"max_entries": 9}])
    def test_its_size_is_bounded(
        self,
        cap: dict[str, int],
        head: Head,
        github: GitHub,
        github_settings: GitHubSettings,
        github_address: RepositoryAddress,
    ) -> None:
        with pytest.raises(LimitExceeded):
            GitHubProvider(replace(github_settings, **cap)).read(github_address, head, list(OIDS), max_bytes=9999)
        assert len(github.requests) == 2

    @pytest.mark.parametrize("fault", [faults.endless, faults.mangled(lambda body: _bomb())])
    def test_an_endless_one_ends(
        self,
        fault: faults.Fault,
        head: Head,
        github: GitHub,
        github_settings: GitHubSettings,
        github_address: RepositoryAddress,
    ) -> None:
        github.always("/legacy.tar.gz/", fault)
        provider = GitHubProvider(replace(github_settings, max_archive_unpacked=1_000_000))
        with pytest.raises((LimitExceeded, UpstreamInvalid)):
            provider.read(github_address, head, list(OIDS), max_bytes=9999)

    def test_a_limit_of_the_host_is_no_reason_to_ask_for_each(
        self, head: Head, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        github.always("/legacy.tar.gz/", status(429, Retry_After="5"))
        with pytest.raises(UpstreamRateLimited):
            github_provider.read(github_address, head, list(OIDS), max_bytes=9999)
        assert len(github.requests) == 2


class TestSingly:
    def test_wrong_bytes_are_asked_for_in_another_way(
        self, head: Head, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        oid, content = next(iter(OIDS.items()))
        github.on("/git/blobs/", faults.mangled(lambda body: body + b"x"))
        assert github_provider.read(github_address, head, [oid], max_bytes=9999).found == {oid: content}
        accepted = [request.headers["accept"] for request in github.requests]
        assert len(set(accepted)) == 2

    def test_bytes_that_stay_wrong_are_an_error(
        self, head: Head, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        def wrong(body: bytes) -> bytes:
            return body.replace(b'"content": "', b'"content": "AAAA') if body.startswith(b"{") else b"other"

        github.always("/git/blobs/", faults.mangled(wrong))
        with pytest.raises(ContentMismatch):
            github_provider.read(github_address, head, [next(iter(OIDS))], max_bytes=9999)
        assert len(github.requests) == 2

    @pytest.mark.parametrize("fault", [faults.cut_gzip, faults.cut_body, faults.reset, status(502)])
    def test_a_fault_that_passes(
        self,
        fault: faults.Fault,
        head: Head,
        github: GitHub,
        github_provider: GitHubProvider,
        github_address: RepositoryAddress,
    ) -> None:
        oid, content = next(iter(OIDS.items()))
        github.on("/git/blobs/", fault)
        assert github_provider.read(github_address, head, [oid], max_bytes=9999).found == {oid: content}

    def test_a_blob_that_github_finds_too_large(
        self, head: Head, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        oid = next(iter(OIDS))
        body = '{"message": "This API returns blobs up to 100 MB in size.", "errors": [{"code": "too_large"}]}'
        github.always("/git/blobs/", status(403, body))
        assert github_provider.read(github_address, head, [oid], max_bytes=99).unread == {oid: Unread.TOO_LARGE}

    def test_a_repository_that_vanishes_is_no_list_of_missing_files(
        self, head: Head, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        github_provider.resolve(github_address)
        github.delete("acme/tools")
        with pytest.raises(UpstreamNotFound):
            github_provider.read(github_address, head, list(OIDS)[:2], max_bytes=9999)


def _without(count: int) -> Callable[[bytes], bytes]:
    """Take the last files out of a tar.gz, as ``export-ignore`` does."""

    def change(body: bytes) -> bytes:
        with tarfile.open(fileobj=io.BytesIO(body)) as source:
            members = [(member, source.extractfile(member)) for member in source if member.isfile()]
            return _tar([(m, f.read()) for m, f in members[:-count] if f])

    return change


def _tar(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            info.size = len(content) if info.isfile() else 0
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _bomb() -> bytes:
    member = tarfile.TarInfo("zeros")
    return _tar([(member, bytes(20_000_000))])


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def _blobs(packed: bytes, **limits: int) -> list[ArchivedBlob]:
    stream = GunzipStream(io.BytesIO(packed).read, max_packed=10**8, max_bytes=limits.pop("max_unpacked", 10**8))
    return list(archived_blobs(stream, **({"max_bytes": 1000, "max_members": 100} | limits)))


class TestHostileArchives:
    def test_names_and_kinds_do_not_matter(self) -> None:
        odd = [
            _member("../../etc/passwd"),
            _member("/etc/passwd"),
            _member("x" * 5000),
            _member("same"),
            _member("same"),
            _member("new\nline\u202e"),
        ]
        links = [
            _member("link", tarfile.SYMTYPE, "/etc/passwd"),
            _member("hard", tarfile.LNKTYPE, "same"),
            _member("device", tarfile.CHRTYPE),
            _member("pipe", tarfile.FIFOTYPE),
            _member("folder", tarfile.DIRTYPE),
        ]
        contents = [b"%d" % number for number in range(len(odd))]
        packed = _tar([*zip(odd, contents, strict=True), *((link, b"") for link in links)])
        assert _blobs(packed) == [ArchivedBlob(blob_oid(content), content) for content in contents]

    def test_sizes(self) -> None:
        contents = [b"", b"x" * 511, b"x" * 512, b"x" * 513, b"x" * 1000, b"x" * 1001]
        packed = _tar([(_member(str(number)), content) for number, content in enumerate(contents)])
        assert [blob.content for blob in _blobs(packed)] == [*contents[:-1], None]
        assert [blob.oid for blob in _blobs(packed)] == [blob_oid(content) for content in contents]

    def test_every_cut_is_an_error_or_harmless(self) -> None:
        packed = _tar([(_member(str(number)), os.urandom(300)) for number in range(5)])
        for end in range(0, len(packed), 7):
            try:
                found = _blobs(packed[:end])
            except UpstreamInvalid:
                continue
            assert len(found) == 5

    def test_a_huge_extended_header_is_passed_over(self) -> None:
        info = _member("f")
        info.pax_headers = {"comment": "x" * 3_000_000}
        assert [blob.content for blob in _blobs(_tar([(info, b"content")]))] == [b"content"]

    @pytest.mark.parametrize("damage", [b"\xff" * 12, b"-0000000001\0", b"not a size\0\0"])
    def test_a_damaged_header(self, damage: bytes) -> None:
        plain = bytearray(gzip.decompress(_tar([(_member("f"), b"content")])))
        plain[124:136] = damage
        with pytest.raises(UpstreamInvalid):
            _blobs(gzip.compress(bytes(plain)))

    @pytest.mark.parametrize("limits", [{"max_unpacked": 2000}, {"max_members": 2}])
    def test_limits(self, limits: dict[str, int]) -> None:
        with pytest.raises(LimitExceeded):
            _blobs(_tar([(_member(str(number)), b"x" * 900) for number in range(5)]), **limits)

    # Named: a gzip header holds the time, and every worker has to collect the same tests.
    @pytest.mark.parametrize(
        "packed",
        [b"", b"x", gzip.compress(b""), b"\x1f\x8b", gzip.compress(b"x" * 600)],
        ids=["nothing", "no gzip", "an empty file", "a header alone", "no tar"],
    )
    def test_no_archive_at_all(self, packed: bytes) -> None:
        with pytest.raises(DomainError):
            _blobs(packed)
