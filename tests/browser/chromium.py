"""The browser: Debian's Chromium, by Playwright's hand. Nothing is downloaded."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright, expect

PATH = shutil.which("chromium")
# The only host is 127.0.0.1: a page that names another gets no answer, wherever this runs.
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


def launch(playwright: Playwright) -> Browser:
    expect.set_options(timeout=30_000)
    return playwright.chromium.launch(executable_path=PATH, args=ARGUMENTS)
