"""Which hosts and folders may be read. Decided here once, for typed URLs and for redirects alike."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skillmeat_site.upstream.errors import HostNotAllowed, PathNotAllowed, UpstreamUnreachable
from skillmeat_site.upstream.types import RepositoryAddress

DEFAULT_PORTS = {"https": 443, "http": 80, "ssh": 22}

Resolver = Callable[..., Iterable[tuple[Any, ...]]]
"""Called as ``socket.getaddrinfo(host, port, type=...)``; tests hand in their own."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """What the operator allows.

    ``allowed_hosts``: ``host`` (https, and ssh, on their default ports), ``host:port`` (the same on that port) or
    ``http://host[:port]`` (plain http there). ``local_roots``: folders below which local repositories may lie; empty
    allows none. ``any_local`` allows every folder the process can read, for a command whose caller is the same user.
    ``github_url``: the base below which GitHub's rules hold (two parts, no difference between cases).
    """

    allowed_hosts: tuple[str, ...] = ("github.com",)
    local_roots: tuple[Path, ...] = ()
    any_local: bool = False
    github_url: str = "https://github.com"
    _entries: frozenset[tuple[bool, str, int | None]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_entries", frozenset(_host_entry(text) for text in self.allowed_hosts))

    @property
    def github_host(self) -> str:
        """The host name of ``github_url``, in lower case and without a port."""
        return (urlsplit(self.github_url).hostname or "").lower()

    def is_github(self, address: RepositoryAddress) -> bool:
        """Tell whether the address lies below ``github_url``: same scheme, host, port and path.

        GitHub's token belongs to these and to no others. A repository of the same host over ssh is none: it is read
        with a key, and has no API beside it.
        """
        return address.url.startswith(self._github_base() + "/")

    def _github_base(self) -> str:
        """``github_url`` spelled as canonical URLs are."""
        parts = urlsplit(self.github_url)
        port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
        host = f"[{self.github_host}]" if ":" in self.github_host else self.github_host
        return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"

    def lists(self, scheme: str, host: str, port: int | None = None) -> bool:
        """Tell whether the list names this host for this scheme and port (None = the scheme's own)."""
        default = DEFAULT_PORTS[scheme]
        actual = default if port is None else port
        plain = scheme == "http"
        if (plain, host, actual) in self._entries:
            return True
        return actual == default and (plain, host, None) in self._entries

    def names(self, host: str) -> bool:
        """Tell whether the list names this host at all, for whatever scheme and port."""
        return any(entry[1] == host for entry in self._entries)


def _host_entry(text: str) -> tuple[bool, str, int | None]:
    """Read one entry of the list as (plain http?, host, port). Raises ValueError where it is not one."""
    entry = text.strip().lower()
    scheme, separator, rest = entry.rpartition("://")
    parts = urlsplit(f"//{rest}")
    valid = scheme in ("", "http", "https") and parts.hostname and not parts.username and not parts.path.strip("/")
    if not valid or (separator and not scheme) or parts.query or parts.fragment:
        raise ValueError(f"{text!r} is not host, host:port or http://host:port")
    return scheme == "http", str(parts.hostname).rstrip("."), parts.port


def check_allowed(address: RepositoryAddress, policy: AccessPolicy) -> None:
    """Raise HostNotAllowed or PathNotAllowed where the policy does not admit the repository.

    Asks neither DNS nor the network (``check_network`` does). A local path is resolved anew, so that a link that was
    put in its place after the source was registered does not lead out of the roots.
    """
    if address.is_local:
        check_path(Path(address.url.removeprefix("file://")), policy)
        return
    parts = urlsplit(address.url)
    if not policy.lists(parts.scheme, parts.hostname or "", parts.port):
        raise HostNotAllowed(_not_listed(parts.scheme, parts.netloc.rpartition("@")[2]))


def _not_listed(scheme: str, netloc: str) -> str:
    entry = f"http://{netloc}" if scheme == "http" else netloc
    return f"{entry} is not among the allowed hosts (SKILLMEAT_ALLOWED_HOSTS)"


def check_path(path: Path, policy: AccessPolicy) -> None:
    """Raise PathNotAllowed unless the path, with its links resolved, is one of the roots or below one."""
    if policy.any_local:
        return
    real = os.path.realpath(path)
    for root in policy.local_roots:
        real_root = os.path.realpath(root)
        if real == real_root or real.startswith(real_root.rstrip("/") + "/"):
            return
    raise PathNotAllowed("the path is not below an allowed root (SKILLMEAT_LOCAL_SOURCE_ROOTS)")


def check_network(
    host: str,
    port: int | None,
    policy: AccessPolicy,
    *,
    scheme: str = "https",
    resolver: Resolver = socket.getaddrinfo,
) -> None:
    """Raise HostNotAllowed where the host is not listed and one of its addresses is not a public one.

    A listed host passes without being looked up: the operator said so. For any other, every address that its name
    resolves to must be public. Raises UpstreamUnreachable where the name does not resolve.
    """
    if policy.lists(scheme, host, port):
        return
    try:
        answers = list(resolver(host, port or DEFAULT_PORTS[scheme], type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise UpstreamUnreachable(f"the name {host} does not resolve") from error
    if not answers:
        raise UpstreamUnreachable(f"the name {host} does not resolve")
    for answer in answers:
        if not is_public(str(answer[4][0])):
            raise HostNotAllowed(f"{host} is a private, loopback or link-local address, and is not listed explicitly")


def is_public(text: str) -> bool:
    """Tell whether an IP address is reachable for everybody; one that carries an IPv4 address counts as that one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if embedded is None and address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded is not None:
            return is_public(str(embedded))
    return address.is_global and not address.is_multicast
