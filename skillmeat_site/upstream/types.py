"""What upstream hands out. Frozen, without ORM, and the same from every provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, NewType, Protocol, runtime_checkable

CommitOid = NewType("CommitOid", str)
"""40 lower-case hex digits naming a commit."""
ObjectOid = NewType("ObjectOid", str)
"""40 lower-case hex digits naming a blob, tree or commit."""

Tick = Callable[[], None]
"""Called about once a second while waiting: renews leases, and raises to stop the wait (cancel)."""


def no_tick() -> None:
    """A tick for callers that hold no lease and cannot be cancelled."""


class FileMode(StrEnum):
    """The modes git knows, as they stand in a tree."""

    FILE = "100644"
    EXECUTABLE = "100755"
    SYMLINK = "120000"
    TREE = "040000"
    SUBMODULE = "160000"


class TreeItem(NamedTuple):
    """One line of a recursive listing. A NamedTuple: a listing of 100,000 must stay small and quick to make.

    ``path`` is relative to the repository root with ``/`` between parts, valid UTF-8, exactly as stored (no
    normalisation). ``size`` is in bytes; None where the provider does not know it (trees, submodules, and blobs
    of a blobless mirror).
    """

    path: str
    mode: str
    oid: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """Where a repository is: the canonical URL (``address.parse_url``), its parts, and the ref asked for.

    Two addresses are equal when they name the same repository and ref. ``key`` is what decides: the URL, in lower
    case where the host does not tell apart the cases of owner and name (GitHub). ``url`` is what is asked, and keeps
    the case it was typed in. ``ref`` empty means the default branch (HEAD). ``host`` is empty for a local repository.
    """

    url: str = field(compare=False)
    host: str = field(compare=False)
    owner: str = field(compare=False)
    name: str = field(compare=False)
    ref: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.url)

    @property
    def is_local(self) -> bool:
        """Whether the repository is a folder of this machine."""
        return self.url.startswith("file://")


@dataclass(frozen=True, slots=True)
class Head:
    """What a ref points to at this moment. ``ref`` is the full or short name it was resolved to.

    ``commit`` is None for an empty repository: it exists, and there is nothing in it. ``moved_to`` is ``owner/name``
    where the host said that the repository is now called so, else empty.
    """

    commit: CommitOid | None
    ref: str = ""
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class ListingWarning:
    """Something in the listing that could not be handed out as it is. ``path`` is printable."""

    code: str
    detail: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Every file, folder, link and submodule of one commit.

    ``complete`` is False when something may be missing (truncated, capped): such a listing proves no absence.
    """

    commit: str
    tree_oid: str
    items: Sequence[TreeItem]
    complete: bool = True
    warnings: tuple[ListingWarning, ...] = field(default=())


class Unread(StrEnum):
    """Why a wanted blob was not handed out, though nothing failed."""

    TOO_LARGE = "too_large"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Blobs:
    """The bytes of the wanted blobs by id, each verified against its id; and what was left out, with the reason."""

    found: Mapping[str, bytes]
    unread: Mapping[str, Unread] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What a host says about a repository besides its content.

    ``id`` stays the same when the repository is renamed; another id under a known name is another repository.
    ``license`` is the SPDX id, empty where there is none or the host recognises none. ``moved_to`` is ``full_name``
    where the repository was asked for by another name, else empty. ``latest_release`` is its tag, empty where there is
    none, None where that was not asked. No text holds U+0000 or half of a surrogate pair.
    """

    id: int
    full_name: str
    description: str = ""
    license: str = ""
    archived: bool = False
    disabled: bool = False
    topics: tuple[str, ...] = ()
    default_branch: str = ""
    moved_to: str = ""
    latest_release: str | None = None


class Provider(Protocol):
    """Reads one kind of repository. Implementations hold no state that a second process would not see."""

    def resolve(self, address: RepositoryAddress, *, known: str = "", tick: Tick = no_tick) -> Head:
        """Tell the commit the address's ref points to now, as a rule in one upstream request.

        ``known`` is the commit it pointed to last, where there is one: it may make the answer cheaper and never
        changes it. Raises UpstreamError by kind; UpstreamRefNotFound where the ref is missing in a repository that is
        not empty.
        """

    def listing(self, address: RepositoryAddress, head: Head, *, tick: Tick = no_tick) -> Listing:
        """List everything in the commit of ``head``. Raises UpstreamError by kind."""

    def read(
        self, address: RepositoryAddress, head: Head, oids: Sequence[str], *, max_bytes: int, tick: Tick = no_tick
    ) -> Blobs:
        """Read blobs by id in one batch. One larger than ``max_bytes`` is left out as TOO_LARGE.

        Raises UpstreamError by kind, LimitExceeded where the batch is larger than the provider accepts.
        """


@runtime_checkable
class Describes(Protocol):
    """A provider whose host knows more about a repository than git does."""

    def describe(
        self, address: RepositoryAddress, *, repository_id: int | None = None, tick: Tick = no_tick
    ) -> RepositoryFacts:
        """Tell what the host says about the repository of this name; with ``repository_id``, about that one.

        Raises UpstreamError by kind.
        """
