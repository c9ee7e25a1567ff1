"""What was typed into a form is not lost, and does nothing that nobody asked for, with scripts and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from skillmeat_site.upstream.sample import commit, create_repository
from tests.browser.house import House
from tests.conftest import skill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAG = "SELECT status FROM marketplace_sourcetag WHERE normalized = 'finance'"
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


@pytest.fixture
def source(house: House) -> str:
    """The page of a source whose only tag waits for a decision."""
    path = house.repositories / "tools.git"
    if not path.exists():
        create_repository(path)
        commit(path, {"skills/finance/ledger/SKILL.md": skill("ledger")}, "first", time=1_767_225_600)
        house.manage("add_source", f"file://{path}", "--scan")
    house.sql("UPDATE marketplace_sourcetag SET status = 'pending', decided_at = NULL, decided_by_id = NULL")
    return f"marketplace/source/{house.one('SELECT id FROM marketplace_source')}/change/"


@SCRIPTS
def test_enter_in_a_sources_form_checks_it_and_decides_on_no_tag(visit, house: House, source: str, scripts: bool):
    person = visit(java_script_enabled=scripts).log_in().open(source)
    ref = person.page.locator("#id_ref")
    ref.fill("main")
    ref.press("Enter")
    expect(person.page.locator(".sm-check-result")).to_contain_text("holds 1 artifact")
    expect(ref).to_have_value("main")
    assert house.one(TAG) == "pending"
    assert house.one("SELECT ref FROM marketplace_source") == ""


@SCRIPTS
def test_a_click_decides_on_a_tag_and_saves_nothing_else(visit, house: House, source: str, scripts: bool):
    person = visit(java_script_enabled=scripts).log_in().open(source)
    person.page.locator("#id_ref").fill("main")
    person.press(person.page.get_by_role("button", name="Approve finance"))
    expect(person.page.locator(".messagelist")).to_contain_text("approved")
    expect(person.page).to_have_url(re.compile("/source/[0-9]+/change/$"))
    assert house.one(TAG) == "approved"
    assert house.one("SELECT ref FROM marketplace_source") == ""


@SCRIPTS
def test_a_long_reason_is_previewed_and_kept(visit, house: House, source: str, scripts: bool):
    """Percent-encoded it is longer than the server's longest address."""
    if not house.one("SELECT count(*) FROM collections_app_artifact"):
        house.manage("import_entries", "--all")
    reason = ("\u3042" if scripts else "\u3044") * 500
    person = visit(java_script_enabled=scripts).log_in().open("collections_app/artifact/")
    person.rows().first.get_by_role("checkbox").check()
    person.act("pin")
    page = person.page
    page.locator("#id_pin").fill("main")
    page.locator("#id_pin_reason").fill(reason)
    if not scripts:
        person.press(page.get_by_role("button", name="Update preview"))
    expect(page).to_have_url(re.compile("options=kept$"))
    expect(page.locator("#plan-counts")).to_contain_text("will be changed")
    expect(page.locator("[data-failed]")).to_be_hidden()
    page.reload()
    expect(page.locator("#id_pin_reason")).to_have_value(reason)
    person.confirm()
    person.sees_job("succeeded")
    assert house.one("SELECT pin_reason FROM collections_app_artifact") == reason


def test_a_preview_that_fails_says_so(visit, house: House, source: str):
    person = visit().log_in().open("marketplace/source/")
    person.watch.expected.append("503")
    person.rows().first.get_by_role("checkbox").check()
    person.act("rescan")
    page = person.page
    page.route("**/confirm/**", lambda route: route.fulfill(status=503))
    page.get_by_label("Force").check()
    expect(page.locator("[data-failed]")).to_be_visible()
    page.unroute("**/confirm/**")
    page.get_by_label("Force").uncheck()
    expect(page.locator("[data-failed]")).to_be_hidden()
