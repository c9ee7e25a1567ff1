"""Markdown of strangers: readable, and nothing of it runs, loads or disguises itself."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.core.markdown import MAX_CHARACTERS, render_markdown

ALLOWED = re.compile(
    r"</?(a|blockquote|br|code|del|em|h[1-6]|hr|li|ol|p|pre|s|strong|table|tbody|td|th|thead|tr|ul|span)"
    r'( class="t-[a-z]")?( href="(https?:|mailto:)[^"<>]*")?( start="\d+")?( rel="noopener noreferrer nofollow")?>'
)


def only_allowed(html):
    return all(ALLOWED.fullmatch(tag) for tag in re.findall(r"<[^>]*>", html))


def test_what_people_write_is_shown():
    text = "---\nname: x\n---\n# Title\n\n- one\n- *two*\n\n|a|b|\n|-|-|\n|1|2|\n\n```sh\nrm -rf\n```\n<https://a.example>"
    html = render_markdown(text)
    assert "name: x" not in html
    for part in ("<h1>Title</h1>", "<li>one</li>", "<em>two</em>", "<td>1</td>", "<code>rm -rf\n</code>"):
        assert part in html
    assert '<a href="https://a.example" rel="noopener noreferrer nofollow">' in html
    assert only_allowed(html)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/pixel.png)",
        "![a<b](data:image/png;base64,AAAA)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>1</script>)",
        "[x](vbscript:x)",
        "[x](//evil.example)",
        "<a href='javascript:1' style='position:fixed'>x</a>",
        "<iframe src=//evil.example></iframe>",
        "<style>body{display:none}</style>",
        "<svg onload=alert(1)>",
        '[x](https://a.example/"onmouseover="alert(1))',
        "<form action=/admin/><button>",
        "|a|\n|:-:|\n|<b onclick=x>|",
        "&lt;script&gt;",
        "\u202egnp.exe",
        "```\n</code></pre><script>1</script>\n```",
        "<!-- --><script>1</script>",
        "# <b id=user-tools>x</b>",
        '```"><script>1</script>\ncode\n```',
        "```python\n'</span></code></pre><script>1</script>'\n```",
        '```html\n<span class="smd-escape" onclick="x">\n```',
        "```../../x\ncode\n```",
    ],
)
def test_hostile_markdown_is_only_text(text):
    html = render_markdown(text)
    assert only_allowed(html)
    assert "src=" not in re.sub(r">[^<]*<", "><", f">{html}<")
    assert "\u202e" not in html


def test_an_image_becomes_its_words():
    assert "[A cat]" in render_markdown("![A cat](https://evil.example/cat.png)")
    assert "evil.example" not in render_markdown("![A cat](https://evil.example/cat.png)")


@given(st.text(max_size=300))
def test_any_text_is_safe(text):
    assert only_allowed(render_markdown(text))


def test_depth_and_length_are_bounded():
    assert only_allowed(render_markdown(">" * 5_000 + "x"))
    assert len(render_markdown("a" * (MAX_CHARACTERS * 2))) < MAX_CHARACTERS + 100


def test_code_is_coloured_by_the_language_that_it_names():
    for named in ("python", "py", "Python title=x"):
        html = render_markdown(f"```{named}\ndef f():\n    return '<'\n```")
        assert '<pre><code><span class="t-k">def</span>' in html
        assert "&lt;" in html
        assert only_allowed(html)
    for named in ("", "nonsense", "\u202epy"):
        assert "<pre><code>def f()\n</code></pre>" in render_markdown(f"```{named}\ndef f()\n```")
    long = "x" * 5_000
    assert long in render_markdown(f"```py\n{long}\n```"), "nothing of a long line is lost"
