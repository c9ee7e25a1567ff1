"""Only what the operator listed is reached: by name, by address, through links and names that resolve inward."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import HostNotAllowed, PathNotAllowed, UpstreamUnreachable
from skillmeat_site.upstream.policy import AccessPolicy, check_allowed, check_network, is_public


def resolves_to(*addresses: str):
    return lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in addresses]


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("github.com", "https://github.com/a/b", True),
        ("GitHub.com", "https://github.com/a/b", True),
        ("github.com", "ssh://git@github.com/a/b", True),
        ("github.com", "https://github.com:8443/a/b", False),
        ("github.com", "ssh://git@github.com:2222/a/b", False),
        ("github.com", "https://evil-github.com/a/b", False),
        ("github.com", "https://github.com.evil.example/a/b", False),
        ("github.com", "https://api.github.com/a/b", False),
        ("git.example:8443", "https://git.example:8443/a/b", True),
        ("git.example:8443", "https://git.example/a/b", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/a/b", True),
        ("http://127.0.0.1:8000", "https://127.0.0.1:8000/a/b", False),
        ("http://git.example", "http://git.example:80/a/b", True),
        ("[::1]:8443", "https://[::1]:8443/a/b", True),
    ],
)
def test_hosts(entry: str, url: str, allowed: bool) -> None:
    policy = AccessPolicy(allowed_hosts=(entry,))
    address = parse_url(url, policy)
    if allowed:
        check_allowed(address, policy)
    else:
        with pytest.raises(HostNotAllowed, match="SKILLMEAT_ALLOWED_HOSTS"):
            check_allowed(address, policy)


@pytest.mark.parametrize("entry", ["", "ftp://x", "user@host", "host/path", "host:port", "://x", "host?x"])
def test_a_malformed_entry_is_an_error_of_the_operator(entry: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        AccessPolicy(allowed_hosts=(entry,))


def test_local_paths_stay_in_the_roots(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "root-evil"
    (root / "repo").mkdir(parents=True)
    outside.mkdir()
    policy = AccessPolicy(local_roots=(root,))
    check_allowed(parse_url(str(root / "repo"), policy), policy)
    check_allowed(parse_url(str(root), policy), policy)
    with pytest.raises(PathNotAllowed) as caught:
        check_allowed(parse_url(str(outside), policy), policy)
    assert str(tmp_path) not in caught.value.detail


def test_a_link_put_in_place_later_does_not_lead_out(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "repo").mkdir(parents=True)
    outside.mkdir()
    policy = AccessPolicy(local_roots=(root,))
    address = parse_url(str(root / "repo"), policy)
    (root / "repo").rmdir()
    (root / "repo").symlink_to(outside)
    with pytest.raises(PathNotAllowed):
        check_allowed(address, policy)


def test_no_root_means_no_local_path_unless_any_is_allowed(tmp_path: Path) -> None:
    address = parse_url(str(tmp_path), AccessPolicy())
    with pytest.raises(PathNotAllowed):
        check_allowed(address, AccessPolicy())
    check_allowed(address, AccessPolicy(any_local=True))


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(HostNotAllowed):
        check_network("redirected.example", 443, AccessPolicy(), resolver=resolves_to(address))


def test_public_addresses_pass_and_one_private_among_them_does_not() -> None:
    check_network("x.example", None, AccessPolicy(), resolver=resolves_to("140.82.121.4", "2606:50c0:8000::153"))
    check_network("x.example", None, AccessPolicy(), resolver=resolves_to("::ffff:140.82.121.4"))
    with pytest.raises(HostNotAllowed):
        check_network("x.example", None, AccessPolicy(), resolver=resolves_to("140.82.121.4", "10.0.0.1"))


def test_a_listed_host_is_not_looked_up() -> None:
    def fail(*args: object, **kwargs: object):
        raise AssertionError("looked up")

    check_network(
        "127.0.0.1", 8000, AccessPolicy(allowed_hosts=("http://127.0.0.1:8000",)), scheme="http", resolver=fail
    )


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    def fail(*args: object, **kwargs: object):
        raise socket.gaierror

    with pytest.raises(UpstreamUnreachable):
        check_network("nowhere.invalid", 443, AccessPolicy(), resolver=fail)
