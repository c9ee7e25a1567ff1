"""The pictures of the documents: of each page four, small, and looked at from somewhere."""

from __future__ import annotations

import re
from itertools import product

import pytest

from tests.browser.pictures import FOLDER, PICTURES, SIZES
from tests.e2e.conftest import ROOT

LARGEST = 80_000
"""Bytes. A page of text with a palette is far below; one without it is far above."""


def of_page(name: str) -> set[str]:
    return {f"{name}-{theme}-{width}.png" for theme, width in product(("light", "dark"), SIZES)}


@pytest.mark.parametrize("name", PICTURES)
def test_each_page_has_its_four_small_pictures(name):
    for picture in of_page(name):
        assert 2_000 < (FOLDER / picture).stat().st_size < LARGEST


def test_the_tour_shows_each_page_and_no_picture_that_is_not_there():
    told = "".join((ROOT / document).read_text() for document in ("docs/admin.md", "README.md"))
    shown = set(re.findall(r"images/([\w.-]+\.(?:png|svg))", told))
    assert {name for name in shown if not (FOLDER / name).exists()} == set()
    assert [name for name in PICTURES if not of_page(name) & shown] == []
