"""Running git: with a deadline for everything it starts, bounded output, and a say while waiting."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.environment import GitConfig, git_environment
from skillmeat_site.upstream.errors import UpstreamError, UpstreamTimeout
from skillmeat_site.upstream.types import Tick, no_tick

TICK_SECONDS = 1.0
WATCH_SECONDS = 0.2
DEFAULT_MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes of stdout taken from one call where the caller does not say."""
STDERR_KEPT = 64 * 1024
"""Bytes of stderr kept: the last ones, where git says what went wrong."""
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class GitResult:
    """What one call of git gave. ``truncated``: it was stopped because stdout was full, and ``code`` means nothing."""

    code: int
    stdout: bytes
    stderr: str
    truncated: bool = False


class Deadline:
    """A point in time that several calls share."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left. Raises UpstreamTimeout where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise UpstreamTimeout
        return left


def run_git(
    args: Sequence[str],
    *,
    deadline_seconds: float,
    git: str = "git",
    git_dir: Path | None = None,
    config: GitConfig = (),
    stdin: bytes = b"",
    max_output: int = DEFAULT_MAX_OUTPUT,
    truncate: bool = False,
    tick: Tick = no_tick,
    watch: Tick = no_tick,
    pass_fds: Sequence[int] = (),
) -> GitResult:
    """Run git in its own process group and return what it said, whatever its exit code.

    ``tick`` is called about once a second and ``watch`` about five times a second; what they raise ends the call.
    However it ends, no process of the group is left and every descriptor is closed. Raises UpstreamTimeout at the
    deadline, LimitExceeded where stdout is larger than ``max_output`` bytes (with ``truncate``: stops there instead),
    UpstreamError where git cannot be started.
    """
    with _Running([git, *args], git_environment(config, git_dir=git_dir), pass_fds) as running:
        deadline = Deadline(deadline_seconds)
        full = running.pump(stdin, max_output, deadline, _Ticker(tick, watch))
        if full and not truncate:
            raise LimitExceeded(f"git wrote more than {max_output} bytes")
        code = 0 if full else running.wait(deadline)
        stderr = bytes(running.stderr).decode("utf-8", "replace")
        return GitResult(code, bytes(running.stdout), stderr, truncated=full)


class _Ticker:
    """Calls the caller back at its pace."""

    def __init__(self, tick: Tick, watch: Tick) -> None:
        self._tick, self._watch = tick, watch
        self._next = time.monotonic() + TICK_SECONDS

    def __call__(self) -> None:
        self._watch()
        now = time.monotonic()
        if now >= self._next:
            self._next = now + TICK_SECONDS
            self._tick()


class _Running:
    """A started git with its pipes. Leaving the context ends its whole group."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], pass_fds: Sequence[int]) -> None:
        self._command, self._environment, self._pass_fds = command, environment, pass_fds
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._to_send = memoryview(b"")
        self._group_gone = False

    def __enter__(self) -> Self:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - no shell, and no argument that upstream could choose
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env=self._environment,
                start_new_session=True,
                pass_fds=self._pass_fds,
            )
        except (FileNotFoundError, PermissionError) as error:
            raise UpstreamError("git cannot be started on this machine") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_group()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def pump(self, stdin: bytes, max_output: int, deadline: Deadline, ticker: _Ticker) -> bool:
        """Feed stdin and read stdout and stderr until both end. Return True where stdout was too large."""
        self._to_send = memoryview(stdin)
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            open_outputs = 2
            while open_outputs:
                wait = min(WATCH_SECONDS, deadline.remaining())
                for key, _ in selector.select(wait):
                    open_outputs -= self._serve(selector, key, key.data)
                    if len(self.stdout) > max_output:
                        del self.stdout[max_output:]
                        return True
                ticker()
                if self._process.poll() is not None:
                    # A helper that survives git would keep the pipes open.
                    self._end_group()
        return False

    def _register(self, selector: selectors.BaseSelector) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for pipe in (process.stdin, process.stdout, process.stderr):
            os.set_blocking(pipe.fileno(), False)
        selector.register(process.stdout, selectors.EVENT_READ, self.stdout)
        selector.register(process.stderr, selectors.EVENT_READ, self.stderr)
        if self._to_send:
            selector.register(process.stdin, selectors.EVENT_WRITE)
        else:
            process.stdin.close()

    def _serve(self, selector: selectors.BaseSelector, key: selectors.SelectorKey, sink: bytearray | None) -> int:
        """Move one chunk. Return 1 where an output has ended."""
        if sink is None:
            self._send(selector, key)
            return 0
        chunk = os.read(key.fd, _CHUNK)
        sink += chunk
        if sink is self.stderr and len(sink) > STDERR_KEPT:
            del sink[: len(sink) - STDERR_KEPT]
        if not chunk:
            selector.unregister(key.fileobj)
        return 0 if chunk else 1

    def _send(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        try:
            self._to_send = self._to_send[os.write(key.fd, self._to_send[:_CHUNK]) :]
        except BrokenPipeError:
            # Git has read enough, or has ended: its exit code tells which.
            self._to_send = memoryview(b"")
        if not self._to_send and self._process.stdin:
            selector.unregister(key.fileobj)
            self._process.stdin.close()

    def _end_group(self) -> None:
        """Kill git and its helpers, which hold the connection. Does nothing once the group is known to be empty.

        The system gives a group's id to nobody else while one of its processes lives, so this hits no stranger.
        """
        if self._group_gone:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self._group_gone = True

    def wait(self, deadline: Deadline) -> int:
        """Return the exit code, once git has ended."""
        try:
            return self._process.wait(deadline.remaining())
        except subprocess.TimeoutExpired as error:
            raise UpstreamTimeout from error
