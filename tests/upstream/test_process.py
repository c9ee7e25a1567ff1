"""A call of git ends, whatever it does, and takes everything it started along."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamError, UpstreamTimeout
from skillmeat_site.upstream.process import STDERR_KEPT, Deadline, run_git
from tests.fakes.git_http import wait_until


def shell(script: str, **options):
    """Run a shell script as git would run a helper."""
    return run_git(["x"], config=[("alias.x", f"!{script}")], **{"deadline_seconds": 20, **options})


def commands_with(marker: str) -> list[int]:
    """Return the processes whose command line holds the marker."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def children() -> list[str]:
    """Return the children of this process, those not waited for included."""
    return [child for path in Path("/proc/self/task").glob("*/children") for child in path.read_text().split()]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_large_input_and_output_at_once() -> None:
    data = os.urandom(8_000_000)
    assert shell("cat", stdin=data).stdout == data


def test_input_that_nobody_reads() -> None:
    assert shell("exit 3", stdin=b"x" * 1_000_000).code == 3


def test_exit_code_and_words() -> None:
    result = shell("echo out; echo err >&2; exit 7")
    assert (result.code, result.stdout, result.stderr) == (7, b"out\n", "err\n")


def test_the_deadline_ends_git_and_its_helpers(tmp_path: Path) -> None:
    marker = str(tmp_path / "deadline")
    before = open_descriptors()
    with pytest.raises(UpstreamTimeout):
        shell(f"sh -c 'sleep 600; echo {marker}' & sleep 600; echo {marker}", deadline_seconds=0.5)
    assert wait_until(lambda: not commands_with(marker))
    assert open_descriptors() == before


def test_a_helper_that_outlives_git_ends_too(tmp_path: Path) -> None:
    marker = str(tmp_path / "orphan")
    started = time.monotonic()
    result = shell(f"sh -c 'sleep 600; echo {marker}' & exit 4")
    assert result.code == 4
    assert time.monotonic() - started < 15
    assert wait_until(lambda: not commands_with(marker))


def test_tick_is_called_and_ends_the_wait(tmp_path: Path) -> None:
    marker = str(tmp_path / "tick")
    calls = []

    def tick() -> None:
        calls.append(time.monotonic())
        if len(calls) == 2:
            raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        shell(f"sleep 600; echo {marker}", tick=tick)
    assert calls[1] - calls[0] > 0.8
    assert wait_until(lambda: not commands_with(marker))


def test_too_much_output() -> None:
    with pytest.raises(LimitExceeded):
        shell("yes", max_output=1000)
    result = shell("yes", max_output=1000, truncate=True)
    assert result.truncated
    assert result.stdout == b"y\n" * 500


def test_of_endless_errors_the_last_are_kept() -> None:
    result = shell("yes 2>/dev/null | head -c 5000000 >&2; echo end >&2; exit 1")
    assert len(result.stderr) <= STDERR_KEPT
    assert result.stderr.endswith("end\n")


def test_no_process_and_no_descriptor_is_left_over() -> None:
    before, children_before = open_descriptors(), children()
    for _ in range(20):
        shell("echo x")
    assert open_descriptors() == before
    assert children() == children_before


def test_nothing_of_the_callers_git_reaches_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[alias]\n\tmine = !echo mine\n[core]\n\thooksPath = /evil\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.hooksPath=/evil'")
    monkeypatch.setenv("GIT_SSH_COMMAND", "evil")
    monkeypatch.setenv("GIT_EXEC_PATH", "/evil")
    seen = shell("env").stdout.decode()
    assert "evil" not in seen
    assert "GIT_TERMINAL_PROMPT=0" in seen
    assert run_git(["config", "core.hooksPath"], deadline_seconds=20).stdout == b"/dev/null\n"
    listed = run_git(["config", "--list", "--show-scope"], deadline_seconds=20).stdout.decode().splitlines()
    assert {line.split("\t")[0] for line in listed} == {"command"}
    assert run_git(["mine"], deadline_seconds=20).code == 1


def test_no_transport_is_allowed_by_itself(tmp_path: Path) -> None:
    result = run_git(["ls-remote", f"file://{tmp_path}"], deadline_seconds=20)
    assert result.code == 128
    assert "transport 'file' not allowed" in result.stderr


def test_a_missing_git_is_an_error_of_its_own() -> None:
    with pytest.raises(UpstreamError, match="cannot be started"):
        run_git(["version"], git="/nonexistent/git", deadline_seconds=5)


def test_a_deadline_that_has_passed() -> None:
    with pytest.raises(UpstreamTimeout):
        Deadline(-1).remaining()
