"""Whose a journal is, and whether that process still lives."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

LEASE_SECONDS = 30.0
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: ``host`` names machine, boot and process namespace; ``until`` is the lease's end (UNIX time).

    ``host`` is empty where that cannot be told: then only the lease counts.
    """

    host: str
    pid: int
    started: int
    until: float

    @property
    def token(self) -> str:
        """The owner as a part of a file's name."""
        return f"{self.host or '-'}.{self.pid}.{self.started}.{int(self.until)}"

    @classmethod
    def from_token(cls, token: str) -> Owner:
        """Read back what ``token`` gave; raises ValueError."""
        host, pid, started, until = token.split(".")
        return cls("" if host == "-" else host, int(pid), int(started), float(int(until)))

    def renewed(self, seconds: float) -> Owner:
        """The same with a lease from now on."""
        return replace(self, until=time.time() + seconds)


@cache
def this_host() -> str:
    """A short name of machine, boot and process namespace; empty where the system does not tell (no Linux).

    Containers of one machine share its boot id and may share a host name, and each counts its own processes.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(f"{socket.gethostname()}\0{boot}\0{namespace}".encode()).hexdigest()[:16]


def started_at(pid: int) -> int | None:
    """When the process began, in ticks since the machine did; None where there is none, or only its ashes."""
    try:
        raw = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = raw.rpartition(b")")[2].split()  # the name in brackets may hold anything
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def this_process(seconds: float = LEASE_SECONDS) -> Owner:
    """The process that asks."""
    return Owner(this_host(), os.getpid(), started_at(os.getpid()) or 0, time.time() + seconds)


Alive = Callable[[Owner], bool]


def is_alive(owner: Owner) -> bool:
    """Whether the process lives: known on this host; elsewhere it is taken to live until its lease ends."""
    if owner.host and owner.host == this_host():
        return started_at(owner.pid) == owner.started
    return time.time() < owner.until
