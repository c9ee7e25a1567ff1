"""A walk through every page of a house that is lived in. Each page is good in light and dark, wide and narrow:

axe-core finds nothing serious, nothing is wider than a phone, no script fails, no other host is asked, and nothing
breaks a policy that forbids inline scripts and styles (``watching``).
"""

from __future__ import annotations

import pytest

from tests.browser.auditing import audit, axe

pytestmark = [pytest.mark.walk, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module", autouse=True)
def audited():
    axe()


@pytest.fixture(scope="module")
def pages(house):
    return house.furnish()


def look_at(visit, paths):
    person = visit().log_in()
    problems = [problem for name, path in paths for problem in audit(person.open(path).page, name)]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize("kind", ["list", "none", "add", "rows"])
def test_pages(visit, pages, kind):
    def of_kind(name):
        ending = name.rpartition("-")[2] if "/" in name else "rows"
        return ending == kind

    look_at(visit, [(name, path) for name, path in pages.items() if of_kind(name)])
