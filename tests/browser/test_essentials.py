"""What holds without scripts, without a mouse, and for hands that click twice, go back, or come too late."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Error, Locator, expect

from skillmeat_site.upstream.sample import commit, create_repository
from tests.browser.house import House
from tests.browser.person import ASKED, STATUS, Person
from tests.conftest import skill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SOURCES = 12
JOBS = "SELECT count(*) FROM core_job WHERE kind = 'marketplace.rescan' AND label LIKE ?"
ENTRIES = (
    "SELECT count(*) FROM marketplace_catalogentry entry"
    " JOIN marketplace_source source ON source.id = entry.source_id WHERE source.name = ?"
)
MOST_TABS = 150


@pytest.fixture(scope="module")
def sources(house: House) -> Iterator[str]:
    """Names of registered sources that nobody has read. Their only skill lies in a folder that suggests a tag."""
    names = [f"tools-{number:02}" for number in range(SOURCES)]
    for name in names:
        path = house.repositories / f"{name}.git"
        create_repository(path)
        commit(path, {"skills/finance/ledger/SKILL.md": skill("ledger")}, "first", time=1_767_225_600)
    house.manage("add_source", *(f"file://{house.repositories / name}.git" for name in names))
    return iter(names)


@pytest.fixture
def source(sources: Iterator[str]) -> str:
    """One that no other test has."""
    return next(sources)


def jobs(house: House, source: str) -> int:
    return house.one(JOBS, f"%{source}%")


def to_confirmation(person: Person, source: str) -> Locator:
    """As far as the button that starts the scan."""
    person.open("marketplace/source/").tick(source).act("rescan")
    return person.confirming()


def reloads_until(person: Person, status: str) -> None:
    """The page reloads itself too: whoever asks at that very moment is told off by the browser, and asks again."""

    def said() -> bool:
        try:
            person.page.reload()
        except Error:
            return False
        return person.page.locator(STATUS).inner_text().strip() == status

    person.house.wait_for(said, f"the job page says {status}")


def test_without_scripts_a_scan_is_watched_by_reloading_and_cancelled(visit, house: House, source: str) -> None:
    person = visit(java_script_enabled=False).log_in()
    refresh = person.page.locator("meta[http-equiv='refresh']")
    with house.slow_git():
        to_confirmation(person, source).click()
        reloads_until(person, "running")
        assert refresh.count() == 1, "the page reloads itself"
        person.page.get_by_role("button", name="Cancel this job").click()
        expect(person.page.locator("#content")).to_contain_text(ASKED)
        reloads_until(person, "cancelled")
    assert refresh.count() == 0
    assert house.one(ENTRIES, source) == 0


def test_without_scripts_a_scan_is_retried_and_its_tag_approved(visit, house: House, source: str) -> None:
    person = visit(java_script_enabled=False).log_in()
    to_confirmation(person, source).click()
    reloads_until(person, "succeeded")
    assert house.one(ENTRIES, source) == 1
    person.open("marketplace/sourcetag/").tick(source).act("approve").confirm()
    person.sees_job("succeeded")
    tag = "SELECT tag.status FROM marketplace_sourcetag tag JOIN marketplace_source source ON source.id = source_id"
    assert house.one(f"{tag} WHERE source.name = ? AND tag.normalized = 'finance'", source) == "approved"


def tab_to(person: Person, goal: Locator) -> None:
    """Tab until it has the focus; on the way, whatever has the focus shows it."""
    for _ in range(MOST_TABS):
        if goal.evaluate("element => element === document.activeElement"):
            return
        person.page.keyboard.press("Tab")
        assert person.page.evaluate(SHOWS_FOCUS), person.page.evaluate("document.activeElement.outerHTML")
    pytest.fail(f"{MOST_TABS} times Tab do not lead to it: {goal}")


SHOWS_FOCUS = """() => {
  const element = document.activeElement;
  if (element === document.body) return true;
  const focused = getComputedStyle(element);
  const marks = [focused.outlineStyle, focused.boxShadow, focused.borderColor, focused.backgroundColor,
                 focused.textDecorationLine, focused.color];
  const outlined = focused.outlineStyle !== "none" && parseFloat(focused.outlineWidth) > 0;
  element.blur();
  const blurred = getComputedStyle(element);
  const before = [blurred.outlineStyle, blurred.boxShadow, blurred.borderColor, blurred.backgroundColor,
                  blurred.textDecorationLine, blurred.color];
  element.focus({ focusVisible: true });
  return outlined || marks.some((mark, place) => mark !== before[place]);
}"""


def test_by_keyboard_alone_from_the_login_to_a_running_scan(visit, house: House, source: str) -> None:
    person = visit()
    page, keys = person.page, person.page.keyboard
    person.open("marketplace/source/")
    tab_to(person, page.get_by_label("Username"))
    keys.type("admin")
    tab_to(person, page.get_by_label("Password"))
    keys.type(house.password)
    keys.press("Enter")
    expect(page).to_have_url(re.compile(r"/marketplace/source/$"))
    tab_to(person, page.locator("#searchbar"))
    keys.type(source)
    keys.press("Enter")
    expect(person.rows()).to_have_count(1)
    tab_to(person, page.locator("select[name='action']"))
    keys.type("Rescan")
    tab_to(person, person.rows().get_by_role("checkbox"))
    keys.press("Space")
    go = page.locator("button[name='index']")
    page.locator("#searchbar").focus()
    tab_to(person, go)
    keys.press("Enter")
    expect(page).to_have_url(re.compile("/confirm/"))
    tab_to(person, person.confirming())
    keys.press("Enter")
    person.sees_job("succeeded")
    assert jobs(house, source) == 1


@pytest.mark.parametrize("scripts", [True, False])
def test_two_clicks_start_one_job(visit, house: House, source: str, scripts: bool) -> None:
    person = visit(java_script_enabled=scripts).log_in()
    to_confirmation(person, source).dblclick()
    person.job()
    reloads_until(person, "succeeded")
    assert jobs(house, source) == 1


def test_whoever_goes_back_and_confirms_again_lands_on_the_same_job(visit, house: House, source: str) -> None:
    person = visit().log_in()
    to_confirmation(person, source).click()
    job = person.job()
    person.page.go_back()
    if "/confirm/" in person.page.url:  # out of the browser's own memory
        person.confirm()
    assert person.job() == job
    person.sees_job("succeeded")
    assert jobs(house, source) == 1


def test_a_session_that_ended_before_the_confirmation(visit, house: House, source: str) -> None:
    """Nothing runs unasked: after the login the person is asked again, or told to choose again."""
    person = visit().log_in()
    confirm = to_confirmation(person, source)
    house.sql("DELETE FROM django_session")
    confirm.click()
    expect(person.page.get_by_label("Password")).to_be_visible()
    assert jobs(house, source) == 0
    person.fill_login()
    expect(person.page.locator("body")).to_contain_text(re.compile("select again|selected"))
    assert jobs(house, source) == 0
