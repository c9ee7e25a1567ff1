"""Reading what somebody typed as a repository, into its one canonical spelling."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from skillmeat_site.upstream.errors import HostNotAllowed, InvalidUrl
from skillmeat_site.upstream.policy import DEFAULT_PORTS, AccessPolicy
from skillmeat_site.upstream.refs import validate_ref
from skillmeat_site.upstream.types import RepositoryAddress

MAX_URL_LENGTH = 2000
"""In characters, before and after canonicalisation."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SCP = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)@([A-Za-z0-9.-]+):(?!:)([^:]+)")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|[0-9a-f:]*:[0-9a-f:.]+"
)
_SEGMENT = re.compile(r"[A-Za-z0-9_.~+-]+")
_BROWSE = frozenset({"-", "tree", "blob", "raw", "commit", "commits", "releases", "pull", "issues", "archive"})
_LOCAL_STARTS = ("/", "./", "../")


def parse_url(text: str, policy: AccessPolicy, *, ref: str = "") -> RepositoryAddress:
    """Return the address that the text names, in its canonical spelling.

    Understood: ``https://host/owner/name``, ``http://`` where the policy lists the host as http, ``ssh://`` and
    ``git@host:owner/name``, ``owner/name`` and ``host/owner/name`` (GitHub, https), ``file:///path``, and paths that
    begin with ``/``, ``./`` or ``../``. A local path becomes ``file://`` and its real path; nothing in it is decoded.
    With ``policy.any_local`` an existing folder wins over ``owner/name``.

    Parsing the resulting ``url`` gives an equal address. Whether the host or path may be read is not decided here
    (``policy.check_allowed``), except for plain http. Raises InvalidUrl, InvalidRef or HostNotAllowed; no message
    repeats the text, which may hold a password.
    """
    _refuse_unprintable(text)
    checked_ref = validate_ref(ref)
    if text.lower().startswith("file://"):
        return _local(_file_path(text), checked_ref)
    if text in (".", "..") or text.startswith(_LOCAL_STARTS) or (policy.any_local and os.path.isdir(text)):
        return _local(text, checked_ref)
    if " " in text:
        raise InvalidUrl("a URL holds no spaces")
    return _remote(_with_scheme(text, policy), policy, checked_ref)


def _refuse_unprintable(text: str) -> None:
    """Refuse what no URL or path may be, whatever its kind."""
    if not text:
        raise InvalidUrl("a URL is needed")
    if len(text) > MAX_URL_LENGTH:
        raise InvalidUrl(f"a URL is at most {MAX_URL_LENGTH} characters long")
    if _CONTROL.search(text):
        raise InvalidUrl("a URL holds no control characters")
    if text.startswith("-"):
        raise InvalidUrl("a URL does not begin with a dash")
    if text != text.strip():
        raise InvalidUrl("a URL neither begins nor ends with a space")


def _file_path(text: str) -> str:
    """Return the path of a file URL, which names no other machine and climbs nowhere."""
    path = text[len("file://") :]
    if path.lower().startswith("localhost/"):
        path = path[len("localhost") :]
    if not path.startswith("/"):
        raise InvalidUrl("a file URL has three slashes: file:///path")
    if ".." in path.split("/"):
        raise InvalidUrl("a URL holds no '..'")
    return path


def _local(path: str, ref: str) -> RepositoryAddress:
    """Make the address of a local folder. A working tree and the ``.git`` folder in it are the same repository."""
    real = os.path.realpath(path)
    while os.path.basename(real) == ".git":
        real = os.path.dirname(real)
    url = f"file://{real}"
    # The real path may be something else than what was typed.
    _refuse_unprintable(url)
    folder = Path(real)
    return RepositoryAddress(url, "", folder.parent.name, folder.name.removesuffix(".git"), ref)


def _with_scheme(text: str, policy: AccessPolicy) -> str:
    """Spell out the short forms as a URL with a scheme."""
    if "://" in text:
        return text
    scp = _SCP.fullmatch(text)
    if scp:
        user, host, path = scp.groups()
        return f"ssh://{user}@{host}/{path.lstrip('/')}"
    if ":" in text:
        raise InvalidUrl("this is neither a URL of a known kind nor owner/name")
    parts = text.rstrip("/").split("/")
    if len(parts) == 2:
        return f"{policy.github_url.rstrip('/')}/{text}"
    if len(parts) > 2 and "." in parts[0]:
        return f"https://{text}"
    raise InvalidUrl("give a URL, owner/name for a repository on GitHub, or ./path for a local one")


@dataclass(frozen=True, slots=True)
class _Place:
    """A URL up to its path."""

    scheme: str
    user: str
    host: str
    port: int | None

    @property
    def base(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.user}{host}{port}"


def _remote(text: str, policy: AccessPolicy, ref: str) -> RepositoryAddress:
    try:
        parts = urlsplit(text)
        place = _place(parts, policy)
    except ValueError as error:
        raise InvalidUrl("the host or the port is malformed") from error
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise InvalidUrl("the URL of a repository has no query and no fragment")
    segments = _segments(parts.path)
    on_github, prefix = _github_prefix(place, segments, policy)
    owner, name = _owner_and_name(segments[len(prefix) :], on_github=on_github)
    base = "/".join([place.base, *prefix])
    path = f"{owner}/{name}"
    key = f"{base}/{path.lower() if on_github else path}"
    if len(key) > MAX_URL_LENGTH:
        raise InvalidUrl(f"a URL is at most {MAX_URL_LENGTH} characters long")
    return RepositoryAddress(f"{base}/{path}", place.host, owner, name, ref, key)


def _place(parts: SplitResult, policy: AccessPolicy) -> _Place:
    """Check and normalise everything before the path. Raises ValueError for a malformed port or host."""
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise InvalidUrl("only https, http where it is allowed, ssh and local paths can be read")
    host = (parts.hostname or "").rstrip(".")
    if not _HOST.fullmatch(host):
        raise ValueError("host")
    port = None if parts.port in (None, DEFAULT_PORTS[scheme]) else parts.port
    if port == 0 or (parts.netloc.endswith(":") and parts.port is None):
        raise ValueError("port")
    while host.startswith("www.") and host.count(".") > 1 and not policy.names(host):
        host = host.removeprefix("www.")
    if scheme == "http" and not policy.lists("http", host, port):
        raise HostNotAllowed(f"plain http to {host} is not allowed; use https, or list it in SKILLMEAT_ALLOWED_HOSTS")
    return _Place(scheme, _user(parts, scheme), host, port)


def _user(parts: SplitResult, scheme: str) -> str:
    """Return ``user@`` for ssh. Nothing that could be a credential is accepted."""
    if "@" not in parts.netloc:
        return ""
    user = parts.netloc.rpartition("@")[0]
    if scheme != "ssh" or not _USER.fullmatch(user):
        raise InvalidUrl("a URL holds no credentials: put the token in the environment (GITHUB_TOKEN)")
    return f"{user}@"


def _segments(path: str) -> list[str]:
    """Split a path into its parts, without trailing slashes and the ``.git`` of the last one."""
    segments = path.strip("/").split("/") if not path.startswith("//") else [""]
    while segments[-1].lower().endswith(".git"):
        segments[-1] = segments[-1][: -len(".git")]
    for segment in segments:
        if segment in ("", ".", "..") or not _SEGMENT.fullmatch(segment):
            raise InvalidUrl("the path is owner/name, of letters, digits and . _ ~ + - only")
    return segments


def _github_prefix(place: _Place, segments: list[str], policy: AccessPolicy) -> tuple[bool, list[str]]:
    """Tell whether the URL lies below the GitHub base, and the parts of the path that belong to that base."""
    base = urlsplit(policy.github_url)
    if place.host != policy.github_host:
        return False, []
    if place.scheme == "ssh":
        return True, []
    default = DEFAULT_PORTS.get(base.scheme)
    same_place = (place.scheme, place.port or DEFAULT_PORTS[place.scheme]) == (base.scheme, base.port or default)
    prefix = [part for part in base.path.split("/") if part]
    if same_place and segments[: len(prefix)] == prefix:
        return True, prefix
    return False, []


def _owner_and_name(segments: list[str], *, on_github: bool) -> tuple[str, str]:
    """Split the path into owner (groups may be nested outside GitHub) and name."""
    if len(segments) > 2 and (on_github or _BROWSE.intersection(segments[2:])):
        raise InvalidUrl("this is a page inside a repository: give owner/name, and the branch as the ref")
    if len(segments) < 2 or segments[0].startswith("-"):
        raise InvalidUrl("the path of the URL is owner/name")
    return "/".join(segments[:-1]), segments[-1]
