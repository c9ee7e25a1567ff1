"""A whole installation for a browser: web server and worker as `make run` starts them, on a database of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.conftest import PATIENCE, ROOT, Site

SERVER = ("-m", "gunicorn", "skillmeat_site.wsgi:application", "--worker-class", "gthread", "--workers", "1",
          "--threads", "8", "--graceful-timeout", "5", "--no-control-socket")  # fmt: skip


class House(Site):
    """A site with a server on a port of its own. ``open`` starts both processes, ``stop`` ends them in any case."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.projects = folder / "projects"
        for made in (self.projects, self.repositories):
            made.mkdir()
        self.environment |= {"SKILLMEAT_PROJECT_ROOTS": str(self.projects), "SKILLMEAT_LOG_FORMAT": "json"}
        self.url = ""
        self.password = ""
        self._server: subprocess.Popen[bytes] | None = None

    def use(self, database_url: str) -> None:
        """Another database than the SQLite file of the home."""
        self.database_url = database_url
        if database_url:
            self.environment["DATABASE_URL"] = database_url

    def open(self) -> None:
        """Server and worker; and the first administrator, as a newcomer gets one."""
        self.start_server()
        self.start_cluster()
        self.password = self.manage("ensure_admin")["results"][0]["password"]

    def start_server(self) -> None:
        """The socket is made here and handed over: no port to race for, and it listens before anybody asks."""
        with socket.socket() as listening, open(self.log, "ab") as log:
            listening.bind(("127.0.0.1", 0))
            listening.listen(64)
            self.url = "http://{}:{}".format(*listening.getsockname())
            self._server = subprocess.Popen(
                [sys.executable, *SERVER, "--bind", f"fd://{listening.fileno()}"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )

    def furnish(self, how: str = "furnishing") -> dict[str, str]:
        """Fill the house, as that module does it; the pages to look at, by name, as paths below ``/admin/``."""
        code = (
            f"import json, pathlib; from tests.browser import {how} as furnishing; "
            f"furnishing.furnish(pathlib.Path({str(self.repositories)!r}), pathlib.Path({str(self.projects)!r})); "
            "print(json.dumps(furnishing.pages()))"
        )
        return json.loads(self._said("shell", "--no-imports", "-c", code))

    def _said(self, *command: str) -> str:
        """The last line that a command prints."""
        out, err = (process := self.start(*command)).communicate(timeout=PATIENCE)
        assert process.returncode == 0, err.decode()
        return out.decode().splitlines()[-1]

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def logs(self) -> str:
        """What server and worker wrote, for whoever looks for the cause of a failure."""
        texts = []
        for path in (self.log, self.home / "cluster.log"):
            text = path.read_text(errors="replace") if path.exists() else ""
            texts.append(f"--- {path.name}\n{text[-20_000:]}")
        return "\n".join(texts)

    def stop(self) -> None:
        server, self._server = self._server, None
        try:
            super().stop()
        finally:
            if server is not None:
                server.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.wait(timeout=10)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)
                server.wait(timeout=PATIENCE)

    def one(self, statement: str, *params: Any) -> Any:
        """The only value of a statement's only row."""
        [[value]] = self.sql(statement, *params)
        return value
