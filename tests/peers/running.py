"""Software not written here, run by node. `make peers` installs it; SKILLMEAT_PEERS may name another folder.

Scripts are handed to node as text and run in that folder, so that they find what is installed there. They listen on
127.0.0.1 alone, on ports that the system chooses, and end with their input: also where the tests are killed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PEERS = Path(os.environ.get("SKILLMEAT_PEERS", Path(__file__).parents[2] / "var" / "peers"))
SECONDS = 60
"""For a node that starts on a busy machine."""


def installed(package: str) -> Path:
    """The folder of an npm package. Skips the test where there is none."""
    folder = PEERS / "node_modules" / package
    if not folder.exists():
        pytest.skip(f"{package} is not installed below {PEERS}: make peers")
    return folder


def _command(script: str) -> list[str]:
    node = shutil.which("node")
    if not node:
        pytest.skip("there is no node to run it")
    return [node, "--input-type=module", "--eval", Path(__file__).with_name(script).read_text()]


def _environment(scratch: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": scratch, "TMPDIR": scratch}


def ask(script: str, told: Any) -> Any:
    """Run a script that reads one JSON document and writes one."""
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            _command(script), cwd=PEERS, env=_environment(scratch), input=json.dumps(told).encode(),
            capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@contextmanager
def serving(script: str, told: Any) -> Iterator[Any]:
    """Run a server: it reads one line of JSON, writes one when it listens, and ends with its input."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            _command(script), cwd=PEERS, env=_environment(scratch), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=errors,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(told).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            errors.seek(0)
            assert line, errors.read().decode()
            yield json.loads(line)
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
