"""A walk through every page of a house that is lived in. Each page is good in light and dark, wide and narrow:

axe-core finds nothing serious, nothing is wider than a phone, no script fails, no other host is asked, and nothing
breaks a policy that forbids inline scripts and styles (``watching``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.browser.auditing import audit, axe
from tests.browser.house import House
from tests.browser.person import Person

pytestmark = [pytest.mark.walk, pytest.mark.timeout(1200)]

# What one action of each kind asks before it does anything: model -> actions with a form of their own.
CONFIRMED = {
    "marketplace/source": ("rescan", "import_all", "approve_tags", "disable", "delete_selected"),
    "marketplace/catalogentry": ("import", "reimport", "exclude"),
    "marketplace/sourcetag": ("approve",),
    "collections_app/collection": ("sync", "check_updates", "snapshot"),
    "collections_app/artifact": ("deploy", "pin", "tags", "remove"),
    "collections_app/deployment": ("undeploy",),
    "collections_app/project": ("refresh_cache",),
    "core/job": ("cancel", "retry"),
}


@pytest.fixture(scope="module")
def pages(house: House) -> dict[str, str]:
    axe()  # what cannot be looked at need not be built
    return house.furnish()


def good(problems: list[str]) -> None:
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def look_at(person: Person, pages: Mapping[str, str], choose: Callable[[str], bool]) -> None:
    chosen = {name: path for name, path in pages.items() if choose(name)}
    assert chosen
    good([problem for name, path in chosen.items() for problem in audit(person.open(path).page, name)])


@pytest.mark.parametrize("kind", ["list", "none", "add"])
def test_lists_and_forms(visit, pages, kind) -> None:
    look_at(visit().log_in(), pages, lambda name: name.endswith(f"-{kind}"))


def test_rows(visit, pages) -> None:
    look_at(visit().log_in(), pages, lambda name: "/" not in name)


def test_confirmations(visit, pages) -> None:
    person, problems = visit().log_in(), []
    for model, actions in CONFIRMED.items():
        for action in actions:
            person.open(f"{model}/").rows().first.get_by_role("checkbox").check()
            person.choose(action)
            assert not person.page.locator("#result_list").count()
            problems += audit(person.page, f"{model}: {action}")
    good(problems)


def test_what_is_refused_and_what_is_outside(visit, house: House, pages: dict[str, str]) -> None:
    """The login with and without a mistake, what is not there, what is forbidden, and the way out."""
    person = visit()
    person.watch.expected += ["status of 404", "status of 403"]
    person.page.goto("/admin/")
    problems = audit(person.page, "login")
    person.fill_login(password="wrong")
    problems += audit(person.page, "login refused")
    person.fill_login()
    for name, path in {"404": "/admin/nothing/", "row gone": "/admin/marketplace/source/987654/change/"}.items():
        person.page.goto(path)
        problems += audit(person.page, name)
    person.press(person.page.get_by_role("button", name="Log out"))
    problems += audit(person.page, "logged out")
    person.page.goto("/admin/")
    person.fill_login("guest", "guest")
    problems += audit(person.page, "dashboard of a guest")
    person.page.goto("/admin/marketplace/source/")
    problems += audit(person.page, "403")
    good(problems)
