"""Which of several byte-identical artifacts is the artifact, and which repeat it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.deduplicate import best_contents, duplicates
from marketplace.domain.types import ArtifactType, Basis, Detected

ONE = Detected(
    type=ArtifactType.SKILL,
    path="skills/pdf",
    file="skills/pdf/SKILL.md",
    name="pdf",
    content_oid="a" * 40,
    confidence=80,
    basis=Basis.LAYOUT,
)


def test_nothing_repeats_what_differs_in_type_or_content():
    found = {
        1: ONE,
        2: replace(ONE, path="b", content_oid="b" * 40),
        3: replace(ONE, path="c", type=ArtifactType.COMMAND),
    }
    assert duplicates(found) == {}


def test_the_name_says_nothing():
    assert duplicates({1: ONE, 2: replace(ONE, path="skills/other", name="other")}) == {2: 1}


@pytest.mark.parametrize(
    "better",
    [
        pytest.param({"confidence": 81, "path": "a/much/longer/path"}, id="surer, before all else"),
        pytest.param({"manual": True, "path": "a/much/longer/path"}, id="mapped by hand, before the path"),
        pytest.param({"path": "skills/x"}, id="shorter path"),
        pytest.param({"path": "skills/aaa"}, id="same length: the earlier path"),
    ],
)
def test_the_better_one_wins_whatever_the_order(better):
    best = replace(ONE, **better)
    assert duplicates({"known": ONE, "best": best}) == {"known": "best"}
    assert duplicates({"best": best, "known": ONE}) == {"known": "best"}


def test_all_others_point_to_the_best_none_to_each_other():
    found = {n: replace(ONE, path="skills/" + "x" * n) for n in (3, 1, 2)}
    assert duplicates(found) == {3: 1, 2: 1}


def test_an_unknown_content_equals_nothing():
    """A truncated listing may lack a folder's id: two such folders are not the same artifact."""
    found = {1: replace(ONE, content_oid=""), 2: replace(ONE, content_oid="", path="skills/other")}
    assert duplicates(found) == {}
    assert best_contents(found, ()) == []


artifacts = st.builds(
    replace,
    st.just(ONE),
    type=st.sampled_from([ArtifactType.SKILL, ArtifactType.AGENT]),
    path=st.text("ab/", min_size=1, max_size=4),
    content_oid=st.sampled_from(["", "a" * 40, "b" * 40]),
    confidence=st.integers(0, 3),
    manual=st.booleans(),
)


@given(st.lists(artifacts, max_size=12, unique_by=lambda a: (a.type, a.path)))
def test_each_known_content_has_exactly_one_best(found_list):
    found = dict(enumerate(found_list))
    repeated = duplicates(found)
    best = best_contents(found, repeated)
    assert len(best) == len(set(best))
    assert set(best) == {(a.type.value, a.content_oid) for a in found_list if a.content_oid}
    for loser, winner in repeated.items():
        assert winner not in repeated
        assert (found[loser].type, found[loser].content_oid) == (found[winner].type, found[winner].content_oid)
        assert found[loser].confidence <= found[winner].confidence
