"""The topics of a repository as tags: ``claude_code`` suggests ``claude-code``."""

from __future__ import annotations

from collections.abc import Iterable

from marketplace.domain.path_tags import FoundTag, normalize


def topic_tags(topics: Iterable[str]) -> dict[str, FoundTag]:
    """Return the tags by normalized spelling, in the order of the topics; what is no tag is left out."""
    found: dict[str, FoundTag] = {}
    for topic in topics:
        word = normalize(topic)
        if word:
            found.setdefault(word, FoundTag(topic, word))
    return found
