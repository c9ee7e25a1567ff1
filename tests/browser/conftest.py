"""A real browser before a real installation. Skipped with a message where there is no Chromium."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.house import House
from tests.e2e.conftest import _postgres_database, migrated_postgres, on_postgres

try:
    from playwright.sync_api import Browser, BrowserContext, sync_playwright
except ImportError:
    sync_playwright = None  # type: ignore[assignment]
else:
    from tests.browser import chromium
    from tests.browser.auditing import WIDE
    from tests.browser.person import Person
    from tests.browser.watching import Watch

__all__ = ["migrated_postgres"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    missing = ""
    if sync_playwright is None:
        missing = "Playwright is not here: pip install playwright"
    elif chromium.PATH is None:
        missing = "Chromium is not here (Debian: apt install chromium)"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module's tests, no longer: while it runs, Django takes this thread for an asynchronous one."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


@contextlib.contextmanager
def _database(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """The kind of database that the suite runs on."""
    if not on_postgres():
        shutil.copy(request.getfixturevalue("migrated"), home / "skillmeat.sqlite3")
        yield ""
        return
    with _postgres_database(template=request.getfixturevalue("migrated_postgres")) as url:
        yield url


@contextlib.contextmanager
def open_house(request: pytest.FixtureRequest, folder: Path) -> Iterator[House]:
    """A house on a database of its own. Its server and worker end with it."""
    house = House(folder)
    with _database(request, house.home) as url:
        house.use(url)
        try:
            house.open()
            yield house
        finally:
            house.stop()


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(request, tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def visit(request: pytest.FixtureRequest, browser: Browser, house: House) -> Iterator[Callable[..., Person]]:
    """A person with a window of their own: ``visit(java_script_enabled=False)``. Nothing may go wrong unseen."""
    contexts: list[tuple[BrowserContext, Watch]] = []

    def arrive(**options: Any) -> Person:
        context = browser.new_context(**{"viewport": WIDE, "base_url": house.url, **options})
        watch = Watch(house.url).over(context)
        contexts.append((context, watch))
        return Person(context.new_page(), house, watch)

    yield arrive
    failed = getattr(request.node, "failed", False)
    for number, (context, _) in enumerate(contexts):
        if failed:
            _keep(context, house, request.node, number)
        context.close()
    assert [problem for _, watch in contexts for problem in watch.problems] == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.failed:
        item.failed = True  # type: ignore[attr-defined]
    return report


def _keep(context: BrowserContext, house: House, item: pytest.Item, number: int) -> None:
    """Picture, page and logs of a failure, in a folder that pytest keeps."""
    folder = house.home.parent / "failed" / item.name
    folder.mkdir(parents=True, exist_ok=True)
    for page in context.pages:
        page.screenshot(path=folder / f"{number}.png", full_page=True)
        (folder / f"{number}.html").write_text(page.content())
    (folder / "server.log").write_text(house.logs())
    print(f"\nKept of this failure: {folder}")
