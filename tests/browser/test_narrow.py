"""What a phone does with tables."""

from __future__ import annotations

import pytest

from tests.browser.auditing import NARROW

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_PLAN = """() => {
  const table = document.createElement("table");
  table.className = "sm-plan";
  const words = ["description", "x".repeat(120), "y".repeat(120), "kept: it is yours"];
  const row = table.insertRow();
  for (const word of words) row.insertCell().textContent = word;
  document.querySelector("#content").replaceChildren(table);
  const said = row.cells[3];
  const range = document.createRange();
  range.selectNodeContents(said);
  const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
  return [lines.size, document.documentElement.scrollWidth <= window.innerWidth];
}"""


def test_the_words_of_a_plans_last_column_stay_whole(visit):
    """ "kept: it is yours" has four words, and at most four lines."""
    person = visit(viewport=NARROW).open("")
    lines, fits = person.page.evaluate(_PLAN)
    assert lines <= 4
    assert fits
