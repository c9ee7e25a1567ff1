"""Trees, archives and files as odd as a repository can make them: by the API the same catalog as by git."""

from __future__ import annotations

import json
import re
import tarfile

import pytest

from marketplace.models import CatalogEntry, Source
from skillmeat_site.upstream.errors import ContentMismatch
from tests.conftest import skill, skills
from tests.fakes import github_faults as faults
from tests.fakes.github_objects import git
from tests.marketplace.faults.conftest import asked, packed_tar
from tests.marketplace.scanning import counters, dump, scan, statuses

pytestmark = pytest.mark.django_db

KNOWN = re.compile(
    r"/repos/acme/tools(?:|/commits/HEAD|/git/(?:commits|blobs)/[0-9a-f]{40}|/git/trees/[0-9a-f]{40}(?:\?recursive=1)?"
    r"|/tarball/[0-9a-f]{40})"
)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
SKILL = b"---\nname: odd\ndescription: Odd\n---\n\nSteps.\n"


def write(path, entries):
    """A commit of these (mode, path, content or commit id): what git's own porcelain would not let one write."""
    stream = [b"commit refs/heads/main\ncommitter A <a@example.org> 1900000000 +0000\ndata 1\nc\n"]
    stream.append(b"from refs/heads/main^0\n")
    for mode, name, content in entries:
        quoted = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        if mode == "160000":
            stream.append(b'M 160000 %s "%s"\n' % (content, quoted))
        else:
            stream.append(b'M %s inline "%s"\ndata %d\n%s\n' % (mode.encode(), quoted, len(content), content))
    assert git(path, "fast-import", "--quiet", stdin=b"".join(stream)) is not None


def by_git_the_same(source):
    """Scan again by git, and expect to find nothing else. Returns the rows."""
    columns = ("type", "path", "name", "content_oid", "title", "description", "warnings", "presence")
    rows = list(CatalogEntry.objects.order_by("pk").values(*columns))
    Source.objects.filter(pk=source.pk).update(provider="git")
    source.refresh_from_db()
    result = scan(source, force=True)
    assert (result.counters.new, result.counters.updated, result.counters.removed) == (0, 0, 0)
    assert list(CatalogEntry.objects.order_by("pk").values(*columns)) == rows
    return rows


@pytest.mark.fault(10)
@pytest.mark.parametrize("size", [200_000, 300_000, 5_000_000])
def test_no_text_is_asked_of_graphql_and_none_is_kept_in_half(upstream, source, tools, size):
    """GraphQL cuts texts at half a megabyte: contents come by their ids, whole or not at all."""
    tools.commit({"skills/alpha/SKILL.md": skill("alpha", body="x" * size), "skills/beta/SKILL.md": None})
    scan(source)
    entry = CatalogEntry.objects.get(path="skills/alpha")
    assert entry.content_oid == git(tools.path, "rev-parse", "main:skills/alpha").decode().strip()
    too_large = size > 256 * 1024
    assert ("manifest_too_large" in str(entry.warnings)) == too_large
    assert (entry.description == "Does things") != too_large
    blob = git(tools.path, "rev-parse", "main:skills/alpha/SKILL.md").decode().strip()
    assert asked(upstream, "/git/blobs/") == [f"/repos/acme/tools/git/blobs/{blob}"]
    assert all("Blob" not in query and "text" not in query for query in upstream.queries)


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("cut", "archives"),
    [
        pytest.param(lambda body: body[: len(body) // 2], 2, id="in the middle"),
        pytest.param(lambda body: body[:-4], 1, id="its last four bytes"),
        pytest.param(lambda body: body[:30], 2, id="nothing left"),
    ],
)
def test_a_cut_archive_gives_no_half_file(upstream, by_api, tools, cut, archives):
    """What it lacks is asked for by its id; what it has is believed only if its id is right."""
    tools.commit(skills(*(f"s{n}" for n in range(8))))
    upstream.always("/legacy.tar.gz/", faults.mangled(cut))
    assert scan(by_api).counters.new == 10
    assert len(asked(upstream, "/legacy.tar.gz/")) == archives
    assert set(CatalogEntry.objects.values_list("description", flat=True)) == {"Does things"}
    by_git_the_same(by_api)


@pytest.mark.fault(29)
def test_hostile_members_of_an_archive_go_nowhere(upstream, by_api, tools, tmp_path):
    """Names and links are not looked at: a file is what its bytes hash to, and none is ever written to disk."""
    tools.commit(skills("gamma", "delta"))
    before = set(tmp_path.rglob("*"))
    links = [tarfile.TarInfo(name) for name in ("link", "hard", "device", "fifo")]
    for member, kind in zip(links, (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE), strict=True):
        member.type, member.linkname = kind, "/etc/passwd"
    files = {
        "../climbed": b"evil",
        "/tmp/absolute": b"evil",
        "skills/alpha/SKILL.md": b"---\nname: alpha\ndescription: Another\n---\n",
        "a": skill("alpha").encode(),
        "b": skill("beta").encode(),
        "../c": skill("gamma").encode(),
        "d": skill("delta").encode(),
    }
    upstream.always("/legacy.tar.gz/", faults.mangled(lambda body: packed_tar(files, links)))
    assert scan(by_api).counters.new == 4
    assert set(CatalogEntry.objects.values_list("description", flat=True)) == {"Does things"}
    assert len(asked(upstream, "/legacy.tar.gz/")) == 1
    assert not asked(upstream, "/git/blobs/")
    made = set(tmp_path.rglob("*")) - before
    assert not [path for path in made if "climbed" in path.name or "SKILL" in path.name]


@pytest.mark.fault(30)
def test_an_archive_that_lacks_and_rewrites_files_makes_the_same_catalog(upstream, by_api, tools):
    attributes = "skills/hidden export-ignore\nskills/stamped/SKILL.md export-subst\n"
    stamped = skill("stamped", body="$Format:%H$")
    tools.commit({".gitattributes": attributes, **skills("hidden", "plain"), "skills/stamped/SKILL.md": stamped})
    assert scan(by_api).counters.new == 5
    singly = asked(upstream, "/git/blobs/")
    wanted = [f"main:skills/{name}/SKILL.md" for name in ("hidden", "stamped")]
    oids = [git(tools.path, "rev-parse", one).decode().strip() for one in wanted]
    assert sorted(path.rpartition("/")[2] for path in singly) == sorted(oids)
    assert len(asked(upstream, "/legacy.tar.gz/")) == 1
    by_git_the_same(by_api)


@pytest.mark.fault(31)
def test_a_cut_listing_is_walked_and_nothing_goes_missing(upstream, by_api, tools):
    tools.commit({**skills("gamma"), "docs/a/x": "x", "docs/b/x": "x"})
    scan(by_api)
    tools.commit({"skills/alpha/SKILL.md": None})
    upstream.truncate_at = 6
    upstream.requests.clear()
    assert counters(scan(by_api)) == {"removed": 1, "unchanged": 2}
    assert len(asked(upstream, "/git/trees/")) > 2


@pytest.mark.fault(31)
def test_a_listing_too_large_to_walk_removes_nothing(upstream, by_api, tools):
    tools.commit({f"folder{n:02}/x": "x" for n in range(50)})
    scan(by_api)
    upstream.truncate_at = 5
    tools.commit({"skills/alpha/SKILL.md": None, "folder00/y": "y"})
    upstream.requests.clear()
    result = scan(by_api)
    assert not result.listing_complete
    assert "listing_truncated" in {warning.code for warning in result.warnings}
    assert len(upstream.requests) < 50
    assert statuses(by_api) == {"skills/alpha": "new", "skills/beta": "new"}
    upstream.truncate_at = 100_000
    assert counters(scan(by_api)) == {"removed": 1, "unchanged": 1}


@pytest.mark.fault(33)
def test_modes_and_contents_of_every_kind(upstream, by_api, tools):
    write(
        tools.path,
        [
            ("100755", b"skills/runs/SKILL.md", SKILL),
            ("120000", b"skills/link", b"alpha"),
            ("120000", b"skills/outside", b"/etc"),
            ("120000", b"skills/linked/SKILL.md", b"../../../../etc/passwd"),
            ("160000", b"skills/module", b"a" * 40),
            ("100644", b"skills/lfs/SKILL.md", LFS),
            ("100644", b"skills/nul/SKILL.md", SKILL + b"\0"),
            ("100644", b"skills/latin/SKILL.md", SKILL.replace(b"Odd", b"\xe9t\xe9")),
            ("100644", b"skills/bom/SKILL.md", b"\xef\xbb\xbf" + SKILL),
            ("100644", b"skills/crlf/SKILL.md", SKILL.replace(b"\n", b"\r\n")),
            ("100644", b"skills/huge/SKILL.md", SKILL + b"x" * 5_000_000),
        ],
    )
    scan(by_api)
    paths = set(statuses(by_api))
    assert {"skills/runs", "skills/nul", "skills/latin", "skills/bom", "skills/crlf", "skills/huge"} <= paths
    assert not {"skills/link", "skills/outside", "skills/module"} & paths
    assert all(KNOWN.fullmatch(path) for path in upstream.paths("api"))
    assert "passwd" not in str(upstream.paths()) + str(dump())
    by_git_the_same(by_api)


ODD = [
    "with space", "hash#sign", "per%2Fcent", "new\nline", "right\u202eto-left", "cafe\u0301", "caf\u00e9", "Case",
    "case", "q?u=e&r", "back\\slash", 'quo"te', "x" * 200,
]  # fmt: skip


@pytest.mark.fault(34)
def test_odd_paths_are_kept_exactly_and_are_in_no_url(upstream, by_api, tools, api):
    write(tools.path, [("100644", f"skills/{name}/SKILL.md".encode(), SKILL + name.encode()) for name in ODD])
    deep = "/".join(["d" * 100] * 40)
    write(tools.path, [("100644", f"{deep}/skills/deep/SKILL.md".encode(), SKILL)])
    scan(by_api)
    found = set(statuses(by_api))
    assert {f"skills/{name}" for name in ODD} | {f"{deep}/skills/deep"} <= found
    assert all(KNOWN.fullmatch(path) for path in upstream.paths("api"))
    by_git_the_same(by_api)
    assert api.get("/api/v1/marketplace/entries?limit=500").status_code == 200


@pytest.mark.fault(34)
def test_a_ref_is_escaped_in_the_url(upstream, by_api, tools):
    name = "fix/#1-\u00fc%2F&x=1"
    git(tools.path, "branch", name, "main")
    Source.objects.update(ref=name)
    by_api.refresh_from_db()
    assert scan(by_api).counters.new == 2
    assert upstream.paths()[0] == "/repos/acme/tools/commits/heads/fix/%231-%C3%BC%252F%26x%3D1"
    assert by_api.resolved_ref == f"refs/heads/{name}"


@pytest.mark.fault(35)
def test_wrong_bytes_are_asked_for_in_another_way_and_then_given_up(upstream, by_api, tools):
    scan(by_api)
    tools.commit({"skills/alpha/SKILL.md": skill("alpha", "new")})
    before = dump()
    blob = git(tools.path, "rev-parse", "main:skills/alpha/SKILL.md").decode().strip()

    def wrong(body):
        if not body.startswith(b"{"):
            return body.replace(b"new", b"old")
        return json.dumps({**json.loads(body), "content": "b2xk"}).encode()

    upstream.requests.clear()
    upstream.always("/git/blobs/", faults.mangled(wrong))
    with pytest.raises(ContentMismatch):
        scan(by_api)
    asks = [request for request in upstream.requests if "/git/blobs/" in request.path]
    assert [request.path.rpartition("/")[2] for request in asks] == [blob, blob]
    assert len({request.headers["accept"] for request in asks}) == 2
    assert dump() == before
    upstream.behave()
    upstream.requests.clear()
    upstream.on("/git/blobs/", faults.mangled(wrong))
    assert counters(scan(by_api)) == {"updated": 1, "unchanged": 1}
    assert len(asked(upstream, "/git/blobs/")) == 2
    assert CatalogEntry.objects.get(path="skills/alpha").description == "new"


@pytest.mark.fault(39)
def test_no_answer_comes_in_pages_and_none_is_followed(upstream, by_api, tools):
    """Nothing asked here has pages: a Link that leads in circles leads nowhere."""

    def linked(handler):
        def send(handler, code, body, headers):
            here = f"{upstream.api_url}/repos/acme/tools/git/trees/x?page=2"
            handler.send_plainly(code, body, {**headers, "Link": f'<{here}>; rel="next", <{here}>; rel="last"'})

        handler.mangle = send
        return False

    scan(by_api)
    tools.commit(skills("gamma"))
    upstream.requests.clear()
    upstream.always("", linked)
    assert counters(scan(by_api)) == {"new": 1, "unchanged": 2}
    assert not asked(upstream, "page=")
    assert [len(asked(upstream, part)) for part in ("/commits/", "/git/trees/", "/git/blobs/")] == [1, 1, 1]
