"""Topics as tags."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.path_tags import normalize
from marketplace.domain.topics import topic_tags


def test_topics_become_tags_in_one_spelling_each():
    found = topic_tags(["claude_code", "Claude-Code", "ai", "x" * 51, "\u202eevil", ""])
    assert {name: tag.value for name, tag in found.items()} == {"claude-code": "claude_code", "ai": "ai"}


@given(st.lists(st.text(max_size=120)))
def test_whatever_a_host_says_fits_its_columns(topics):
    for name, tag in topic_tags(topics).items():
        assert normalize(name) == name == tag.normalized
        assert 0 < len(name) <= 50
        assert 0 < len(tag.value) <= 100
        assert "\x00" not in tag.value
