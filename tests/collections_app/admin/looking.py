"""Looking at pages of the admin in tests."""

from __future__ import annotations

import html
import re
from typing import Any

from django.test import Client
from django.urls import reverse


def place(model: str, page: str, *args: Any, app: str = "collections_app") -> str:
    return reverse(f"admin:{app}_{model}_{page}", args=args)


def page(client: Client, url: str, **query: str) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def words(shown: str) -> str:
    """What a page says, without its markup, in one line."""
    main = shown.split('id="content-main"', 1)[-1]
    main = re.sub(r"</?(span|mark|bdi|b|code)\b[^>]*>", "", main)
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", main)).split())


def matrix(shown: str) -> dict[str, list[str]]:
    """The table of files: path → state and letters."""
    found = re.search(r'smd-matrix".*?<tbody>(.*?)</tbody>', shown, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL) if found else []
    cells = [
        [html.unescape(re.sub("<[^>]*>", "", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]
    return {row[0]: [cell.replace("–not there", "–") for cell in row[1:]] for row in cells}
