"""How a transaction ends, the same for the process that began it and for one that found it dead."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from collections_app.store import swaps
from collections_app.store.checkpoints import checkpoint
from collections_app.store.disk import fsync_folder, lstat, meaning, move, open_folder, remove, remove_empty
from collections_app.store.journal import fsync_path
from collections_app.store.swaps import Ground


def undo_all(ground: Ground) -> None:
    """Bring back everything, last swap first. Raises what the disk makes of it; may be called again."""
    if _is_open(ground):
        for number, swap in reversed(list(enumerate(ground.journal.swaps))):
            with meaning(swap.target):
                swaps.undo(ground, swap)
            checkpoint(f"undone:{number}")


def finish_all(ground: Ground) -> None:
    """Bring every swap to its end. Raises what the disk makes of it; may be called again."""
    if _is_open(ground):
        for number, swap in enumerate(ground.journal.swaps):
            with meaning(swap.target):
                swaps.finish(ground, swap)
            checkpoint(f"finished:{number}")


def _is_open(ground: Ground) -> bool:
    """Whether there may be anything left to settle: the transaction's folder is made first and renamed last."""
    *work, name = ground.journal.folder.split("/")
    with suppress(FileNotFoundError), open_folder(ground.root_fd, work) as fd:
        return lstat(name, fd) is not None
    return False


def drop(ground: Ground, *, committed: bool) -> None:
    """Remove what is left of a settled transaction in its root: staging, old copies, folders that are empty again."""
    journal = ground.journal
    *work, name = journal.folder.split("/")
    rubbish = journal.dropped.split("/")[-1]
    with meaning(journal.work), suppress(FileNotFoundError), open_folder(ground.root_fd, work) as fd:
        if lstat(name, fd) is not None:
            remove(rubbish, fd)
            move((fd, name), (fd, rubbish))
            fsync_folder(fd)
        checkpoint("drop:settled")
        remove(rubbish, fd)
        fsync_folder(fd)
    checkpoint("drop:removed")
    emptied = [journal.work, *reversed(journal.made)]
    if committed:
        emptied.extend(_above(swap.target for swap in journal.swaps if swap.staged is None and not swap.skipped))
    with meaning(journal.work):
        for path in emptied:
            _remove_empty(ground.root_fd, Path(journal.root), path)
    checkpoint("drop:emptied")


def _above(targets: Iterable[str]) -> list[str]:
    """The folders that deletions may have left empty, innermost first; those directly below the root stay."""
    split = [target.split("/") for target in targets]
    found = {"/".join(parts[:depth]) for parts in split for depth in range(2, len(parts))}
    return sorted(found, key=lambda path: (-path.count("/"), path))


def _remove_empty(root_fd: int, root: Path, path: str) -> None:
    if not path:
        with suppress(OSError):
            root.rmdir()
        return
    *folders, name = path.split("/")
    with suppress(OSError), open_folder(root_fd, folders) as fd:
        if remove_empty(name, fd):
            fsync_folder(fd)


def remove_journal(path: Path) -> None:
    """Remove the journal, durably: the very last step. Raises OSError."""
    path.unlink(missing_ok=True)
    fsync_path(path.parent)
    checkpoint("journal:removed")
