"""What a person does at the admin, in a person's words; what they read there."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.house import House
from tests.browser.watching import Watch

STATUS = "#job [data-job='status']"

ASKED = re.compile("asked to stop|cancelled")
"""What a page says once a job is to end: it may have ended before the page is there."""


_COUNTS = "() => [...document.querySelectorAll('[data-count]')].map((one) => [one.dataset.count, one.innerText])"


class Person:
    """Somebody before ``page``. Nothing here sleeps: each step waits for what a person would wait for."""

    def __init__(self, page: Page, house: House, watch: Watch) -> None:
        self.page = page
        self.house = house
        self.watch = watch

    def log_in(self) -> Person:
        self.open("")
        self.fill_login()
        expect(self.page.locator("#user-tools")).to_contain_text("admin")
        return self

    def fill_login(self, user: str = "admin", password: str = "") -> Person:
        """Whether it is the right one shows on the next page."""
        self.page.get_by_label("Username").fill(user)
        self.page.get_by_label("Password").fill(password or self.house.password)
        return self.press(self.page.get_by_role("button", name="Log in"))

    def open(self, path: str) -> Person:
        """A page of the admin by its path below ``/admin/``."""
        answer = self.page.goto(path if path.startswith("/") else f"/admin/{path}")
        assert answer is not None
        assert answer.status < 400, f"{answer.status}: {answer.url}"
        return self

    def follow(self, name: str | re.Pattern[str]) -> Person:
        self.page.get_by_role("link", name=name).first.click()
        return self

    def rows(self) -> Locator:
        return self.page.locator("#result_list tbody tr")

    def tick(self, *names: str) -> Person:
        """Check the boxes of the rows that tell these names."""
        for name in names:
            self.rows().filter(has_text=name).get_by_role("checkbox").check()
        return self

    def tick_all(self, *, across_pages: bool = False) -> Person:
        self.page.locator("#action-toggle").check()
        if across_pages:
            self.page.locator(".actions .question a").click()
            expect(self.page.locator(".actions .all")).to_be_visible()
        return self

    def act(self, action: str) -> Person:
        """Choose from the action menu, and go on to the confirmation."""
        self.choose(action)
        expect(self.page).to_have_url(re.compile(r"/confirm/[0-9a-f-]{36}/$"))
        return self

    def choose(self, action: str) -> Person:
        self.page.locator("select[name='action']").select_option(action)
        return self.press(self.page.locator("button[name='index']"))

    def press(self, button: Locator) -> Person:
        """Click, and be where it leads."""
        with self.page.expect_navigation():
            button.click()
        return self

    def confirming(self) -> Locator:
        """The button of the confirmation that does it."""
        return self.page.locator("#content .submit-row input[type='submit'], #content .submit-row button").first

    def confirm(self) -> Person:
        self.confirming().click()
        return self

    def job(self) -> str:
        """The id of the job whose page this is."""
        expect(self.page).to_have_url(re.compile(r"/core/job/[0-9a-f-]{36}/"))
        found = re.search(r"/core/job/([0-9a-f-]{36})/", self.page.url)
        assert found
        return found[1]

    def sees_job(self, *statuses: str) -> str:
        """Wait at a job's page until it says one of these words; returns the word."""
        self.job()
        word = self.page.locator(STATUS)
        expect(word).to_have_text(re.compile(rf"^\s*({'|'.join(statuses)})\s*$"))
        return word.inner_text().strip()

    def outcomes(self) -> dict[str, int]:
        """What the job page counts at this moment, by outcome."""
        return {str(outcome): int(count) for outcome, count in self.page.evaluate(_COUNTS)}

    def sees_outcomes(self, expected: dict[str, int]) -> Person:
        """Wait for these and no others: they come a moment after the word."""
        self.house.wait_for(lambda: self.outcomes() == expected, f"the page counts {expected}")
        return self
