"""One disk transaction: the only way anything of the user's on disk is changed.

::

    with DiskTransaction(home, root, kind="import") as disk:
        staged = disk.stage.add_folder(files, expected_oid=entry.content_oid)
        disk.put("skills/a", staged, expected=None)       # None: nothing may be there
        disk.delete("skills/b", expected=record.content_oid)
        swapped = disk.apply()                            # failed ones are undone one by one, the rest stays
        disk.put("collection.toml", disk.stage.add_file(new), expected=blob_oid(old))
        disk.apply(together=True)                         # one fails: all of this call are undone, and it raises
        with atomic():
            ...                                           # rows, and one that says that disk.op is committed
        disk.finish()                                     # old copies dropped, journal removed

Left without ``finish``, by an error or otherwise, everything is undone. Killed anywhere, ``recovery.recover`` undoes or
finishes it, as the committed row tells.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import NamedTuple, Self

from collections_app.store.content_ids import DEFAULT_LIMITS, Limits
from collections_app.store.layout import Home, Root
from collections_app.store.staging import Stage, Staged
from skillmeat_site.core.errors import DomainError

LEASE_SECONDS = 30.0


class Whatever(Enum):
    """Stands for any content or none."""

    WHATEVER = "whatever"


WHATEVER = Whatever.WHATEVER
Expected = str | None | Whatever
"""What the caller saw at the target: a content id, None for nothing, or ``WHATEVER`` (the caller has a copy)."""


class Swapped(NamedTuple):
    """How one swap went: ``error`` is None, or why the target is as it was. ``new_oid`` None: deleted."""

    target: str
    new_oid: str | None
    error: DomainError | None


class DiskTransaction:
    """See the module. Not shared between threads. Holds no lock: the caller holds the collection's lease."""

    op: str
    stage: Stage

    def __init__(
        self,
        home: Home,
        root: Root,
        *,
        kind: str,
        limits: Limits = DEFAULT_LIMITS,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """``root.path`` is made if its parent exists. ``limits`` hold for reading what is at the targets."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Write the journal; raises ``disk_full``, ``disk_denied``, ``path_blocked``, ``unsafe_link``."""
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Undo, unless finished."""
        raise NotImplementedError

    def put(self, target: str, staged: Staged, *, expected: Expected) -> None:
        """Plan that ``staged`` comes to ``target`` (relative to the root); raises ``unsafe_path``."""
        raise NotImplementedError

    def delete(self, target: str, *, expected: Expected, keep_as: str | None = None) -> None:
        """Plan that what is at ``target`` goes; ``keep_as``: to this path (``trash/…``), where it stays."""
        raise NotImplementedError

    def apply(
        self, *, together: bool = False, on_swap: Callable[[Swapped], None] | None = None
    ) -> tuple[Swapped, ...]:
        """Swap what was planned since the last call, in order; one row for each.

        A swap that fails (``changed_on_disk``, ``path_blocked``, ``unsafe_link``, ``disk_…``) is undone by itself and
        reported. With ``together`` the first failure undoes all swaps of this call and is raised. Raises
        ``lease_lost`` where another process has taken the journal over. On return everything is durable.
        """
        raise NotImplementedError

    def renew(self) -> None:
        """Put off the end of the lease; called now and then in a long staging. Raises ``lease_lost``."""
        raise NotImplementedError

    def finish(self) -> None:
        """Drop old copies and the journal. Never raises: what cannot be dropped now, the next recovery drops."""
        raise NotImplementedError

    def undo(self) -> None:
        """Put everything back. What cannot be put back now stays in the journal for the next recovery, and it raises."""
        raise NotImplementedError
