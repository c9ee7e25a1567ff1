"""A confirmation in a real browser: the plan follows the options and the worker, with scripts and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from marketplace import sample
from tests.browser.house import House
from tests.browser.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ENTRIES = "marketplace/catalogentry/?type=skill"


@pytest.fixture
def catalog(house: House) -> None:
    repository = house.repositories / "toolbox.git"
    if not repository.exists():
        sample.create(repository)
        house.manage("add_source", f"file://{repository}", "--scan")


def plan(person: Person) -> str:
    return person.page.locator("#plan-counts").inner_text()


def test_the_plan_follows_the_options_and_the_worker(visit, house: House, catalog: None) -> None:
    """Nothing is loaded anew, and what is typed keeps its place."""
    person = visit().log_in()
    person.open(ENTRIES).tick_all().act("import")
    page = person.page
    page.evaluate("window.stood = true")
    box = page.get_by_role("textbox", name="Collection")
    box.fill("../x")
    expect(page.locator("#plan-counts")).to_contain_text("Fill in the options")
    box.fill("planned")
    expect(page).to_have_url(re.compile("collection=planned"))
    expect(page.locator("#plan-counts")).to_contain_text("estimate")
    expect(box).to_be_focused()
    assert page.evaluate("window.stood")
    page.get_by_role("button", name="Work out the exact plan").click()
    expect(page.locator("#plan-heading")).to_contain_text("exact")
    assert house.one("SELECT count(*) FROM core_job WHERE kind = 'core.plan' AND status = 'succeeded'") == 1
    assert house.one("SELECT count(*) FROM collections_app_collection WHERE slug = 'planned'") == 0
    person.confirm()
    job = page.url
    person.sees_job("succeeded")
    page.go_back()
    expect(page).to_have_url(job)
    assert house.one("SELECT count(*) FROM core_job WHERE label LIKE ?", "Import % into planned") == 1


def test_without_scripts_the_plan_is_asked_for(visit, house: House, catalog: None) -> None:
    """The Enter key asks; a changed option is shown before it is done."""
    person = visit(java_script_enabled=False).log_in()
    page = person.open(ENTRIES).page
    person.rows().first.get_by_role("checkbox").check()
    person.act("import")
    before = house.one("SELECT count(*) FROM core_job")
    box = page.get_by_role("textbox", name="Collection")
    box.fill("quiet")
    box.press("Enter")
    expect(page).to_have_url(re.compile("collection=quiet"))
    expect(page.locator("#plan-counts")).to_contain_text("will be created")
    page.get_by_label("Where the name is taken").select_option("rename")
    assert house.one("SELECT count(*) FROM core_job") == before
    person.confirm()
    person.sees_job("succeeded", "queued", "running")
    assert house.one("SELECT count(*) FROM core_job") == before + 1
