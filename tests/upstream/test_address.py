"""One repository has one spelling, and what is no repository is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skillmeat_site.upstream.address import MAX_URL_LENGTH, parse_url
from skillmeat_site.upstream.errors import HostNotAllowed, InvalidRef, InvalidUrl, UpstreamError
from skillmeat_site.upstream.policy import AccessPolicy

POLICY = AccessPolicy(allowed_hosts=("github.com", "gitlab.example", "http://127.0.0.1:8000"))


@pytest.mark.parametrize(
    "text",
    [
        "anthropics/skills",
        "anthropics/skills.git",
        "anthropics/skills/",
        "github.com/anthropics/skills",
        "https://github.com/anthropics/skills",
        "https://github.com/anthropics/skills.git",
        "https://github.com/anthropics/skills.git/",
        "HTTPS://GitHub.com/Anthropics/SKILLS",
        "https://www.github.com/anthropics/skills",
        "https://github.com:443/anthropics/skills",
        "https://github.com./anthropics/skills",
    ],
)
def test_spellings_of_one_repository_are_equal(text: str) -> None:
    assert parse_url(text, POLICY) == parse_url("https://github.com/anthropics/skills", POLICY)


def test_the_url_keeps_its_case_and_the_key_does_not() -> None:
    address = parse_url("https://github.com/K-Dense-AI/Skills.git", POLICY)
    assert address.url == "https://github.com/K-Dense-AI/Skills"
    assert (address.owner, address.name) == ("K-Dense-AI", "Skills")
    assert address.key == "https://github.com/k-dense-ai/skills"
    assert hash(address) == hash(parse_url("k-dense-ai/skills", POLICY))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("foo/foo.github.io", "https://github.com/foo/foo.github.io"),
        ("foo/x.gitignore", "https://github.com/foo/x.gitignore"),
        ("git@github.com:a/b.git", "ssh://git@github.com/a/b"),
        ("ssh://git@github.com:22/a/b.git", "ssh://git@github.com/a/b"),
        ("ssh://git@gitlab.example:2222/a/b", "ssh://git@gitlab.example:2222/a/b"),
        ("https://gitlab.example/a/b/c/d.git", "https://gitlab.example/a/b/c/d"),
        ("http://127.0.0.1:8000/a/b", "http://127.0.0.1:8000/a/b"),
        ("https://[::1]:8443/a/b", "https://[::1]:8443/a/b"),
        ("https://git.sr.ht/~sircmpwn/core", "https://git.sr.ht/~sircmpwn/core"),
    ],
)
def test_canonical_url(text: str, url: str) -> None:
    assert parse_url(text, POLICY).url == url


def test_groups_belong_to_the_owner() -> None:
    address = parse_url("https://gitlab.example/a/b/c", POLICY)
    assert (address.host, address.owner, address.name) == ("gitlab.example", "a/b", "c")


def test_case_matters_where_the_host_is_not_github() -> None:
    assert parse_url("https://gitlab.example/A/b", POLICY) != parse_url("https://gitlab.example/a/b", POLICY)


def test_transports_stay_apart() -> None:
    assert parse_url("git@github.com:a/b", POLICY) != parse_url("https://github.com/a/b", POLICY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-x",
        "--upload-pack=touch /tmp/owned",
        "ext::sh -c touch% /tmp/owned",
        "ext::sh",
        "fd::3",
        "git://github.com/a/b",
        "ftp://github.com/a/b",
        "javascript:alert(1)",
        "https://user:secret@github.com/a/b",
        "https://ghp_0123456789@github.com/a/b",
        "ssh://git:secret@github.com/a/b",
        "ssh://-oProxyCommand=x/a/b",
        "git@-oProxyCommand=x:a/b",
        "https://github.com/a/b?x=1",
        "https://github.com/a/b#x",
        "https://github.com/a/b#",
        "https://github.com/a/../b",
        "https://github.com/a/%2e%2e/b",
        "https://github.com//b",
        "https://github.com/a//b",
        "https://github.com/a",
        "https://github.com/",
        "https://github.com/a/.git",
        "https:///a/b",
        "https://github.com:0/a/b",
        "https://github.com:99999/a/b",
        "https://github.com:x/a/b",
        "https://git hub.com/a/b",
        "https://github.com/a/b\n",
        "https://github.com/a/b\x00",
        "https://github.com\\@evil.example/a/b",
        "https://gìthub.com/a/b",
        "https://github.com/-a/b",
        "word",
        "a/b/c",
        "file://host/path",
        "file:///srv/../etc",
        "https://github.com/a/" + "b" * MAX_URL_LENGTH,
        "a/\udcff",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(InvalidUrl):
        parse_url(text, POLICY)


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/a/b/tree/main",
        "https://github.com/a/b/blob/main/x.md",
        "https://github.com/a/b/pulls",
        "https://gitlab.example/a/b/-/tree/main",
    ],
)
def test_a_page_inside_a_repository_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidUrl, match="branch as the ref"):
        parse_url(text, POLICY)


def test_credentials_are_not_repeated_and_the_hint_says_where_they_go() -> None:
    with pytest.raises(InvalidUrl, match="environment") as caught:
        parse_url("https://me:hunter2@github.com/a/b", POLICY)
    assert "hunter2" not in caught.value.detail


def test_plain_http_only_where_listed() -> None:
    with pytest.raises(HostNotAllowed):
        parse_url("http://github.com/a/b", POLICY)
    with pytest.raises(HostNotAllowed):
        parse_url("http://127.0.0.1:8001/a/b", POLICY)


def test_the_ref_is_checked_too() -> None:
    assert parse_url("a/b", POLICY, ref="main").ref == "main"
    with pytest.raises(InvalidRef):
        parse_url("a/b", POLICY, ref="--upload-pack=x")


def test_local_paths_become_real_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my skills"
    (folder / ".git").mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    expected = parse_url(str(folder), POLICY)
    assert expected.url == f"file://{folder}"
    assert (expected.host, expected.name) == ("", "my skills")
    for text in ("./my skills", "./link", "./my skills/.git", f"file://{folder}/", f"file://localhost{folder}"):
        assert parse_url(text, POLICY) == expected


def test_an_existing_folder_wins_only_for_a_caller_who_may_read_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert parse_url("a/b", POLICY).url == "https://github.com/a/b"
    assert parse_url("a/b", AccessPolicy(any_local=True)).url == f"file://{tmp_path}/a/b"


def test_github_elsewhere_below_a_path() -> None:
    policy = AccessPolicy(allowed_hosts=("http://127.0.0.1:9",), github_url="http://127.0.0.1:9/gh/")
    address = parse_url("Acme/Tools", policy)
    assert (address.url, address.owner, address.name) == ("http://127.0.0.1:9/gh/Acme/Tools", "Acme", "Tools")
    assert address == parse_url("http://127.0.0.1:9/gh/acme/tools.git", policy)
    assert policy.is_github(address)
    assert not policy.is_github(parse_url("http://127.0.0.1:9/other/tools", policy))


_SCHEMES = ["https://", "http://", "ssh://", "file://", "git@", "github.com", "gitlab.example", "127.0.0.1:8000"]
_PARTS = [
    "www.",
    ":443",
    "/",
    "//",
    ".git",
    "..",
    ".",
    "a",
    "B",
    "~",
    "-",
    "?",
    "#",
    "@",
    ":",
    "%2e",
    "\\",
    " ",
    "ü",
    "./",
]
_PIECES = st.sampled_from([*_SCHEMES, *_PARTS, "::1", "[", "]"])


@example("/.git/.git")
@example("https://www.www.github.com/a/b")
@example("a/b.git.git/")
@given(st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=10).map("".join)))
def test_parsing_refuses_or_settles(text: str) -> None:
    try:
        address = parse_url(text, POLICY)
    except UpstreamError:
        return
    again = parse_url(address.url, POLICY)
    assert again == address
    assert again.url == address.url
