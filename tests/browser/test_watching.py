"""What watches every visit sees what it is there for."""

from __future__ import annotations

import pytest

from tests.browser.watching import Watch

HOME = "http://127.0.0.1:9"
POLICY = {"Content-Security-Policy": "script-src 'self'; style-src 'self'"}


@pytest.fixture
def watched(browser):
    """Opens a page with this body, and tells what was seen; nothing listens there, the answer is made up."""
    context = browser.new_context()

    def opened(body: str, headers: dict[str, str]) -> list[str]:
        watch = Watch(HOME).over(context)
        context.route(
            f"{HOME}/trap", lambda route: route.fulfill(content_type="text/html", headers=headers, body=body)
        )
        page = context.new_page()
        page.goto(f"{HOME}/trap")
        return watch.problems

    yield opened
    context.close()


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        ("<script>alert('here')</script>", {}, "dialog: here"),
        ("<script>nothing.is.there</script>", {}, "uncaught"),
        ("<script>console.error('oh')</script>", {}, "console: oh"),
        ("<img src='http://evil.invalid/seen.png'>", {}, "asked elsewhere: http://evil.invalid/seen.png"),
        ("<script>window.ran = true</script>", POLICY, "policy violated: script-src"),
        ("<style>p { color: red }</style>", POLICY, "policy violated: style-src"),
        ("<p style='color: red'>red</p>", POLICY, "policy violated: style-src"),
    ],
)
def test_it_tells(watched, body, headers, told) -> None:
    assert any(told in problem for problem in watched(body, headers))


def test_of_a_good_page_it_tells_nothing(watched) -> None:
    assert watched("<p>Good.</p>", POLICY) == []
