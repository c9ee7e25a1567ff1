"""Names of refs: git's own rules, with git as the judge."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from skillmeat_site.upstream.errors import InvalidRef
from skillmeat_site.upstream.refs import MAX_REF_BYTES, validate_ref


@pytest.mark.parametrize(
    "ref", ["main", "feature/x", "refs/heads/main", "v1.0", "ü", "a@b", "@x", "a" * 40, "x.locked"]
)
def test_accepted(ref: str) -> None:
    assert validate_ref(ref) == ref


def test_the_default_branch_has_one_spelling() -> None:
    assert validate_ref("") == ""
    assert validate_ref("HEAD") == ""


def test_a_commit_has_one_spelling() -> None:
    assert validate_ref("ABCDEF0123" * 4) == "abcdef0123" * 4


@pytest.mark.parametrize(
    "ref",
    [
        *(
            "--upload-pack=x",
            "-b",
            "a..b",
            "a b",
            "a\tb",
            "a\nb",
            "a\x00b",
            "a\x7f",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
        ),
        *("a\\b", "@", "a@{1}", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "/a", "a/", "a//b", "\ud800"),
        "a" * (MAX_REF_BYTES + 1),
        "ü" * (MAX_REF_BYTES // 2 + 1),
    ],
)
def test_refused(ref: str) -> None:
    with pytest.raises(InvalidRef):
        validate_ref(ref)


_ALPHABET = st.sampled_from([*"ab/.@{}~^:?*[\\- \x01\x7f", "ü", ".lock", "..", "@{", "//"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_ALPHABET, min_size=1, max_size=8).map("".join))
@example("a/@")
@example("@/a")
@example("a.lock.b")
def test_agrees_with_git(ref: str) -> None:
    if ref.startswith("-"):
        return  # stricter than git on purpose
    judged = subprocess.run(["git", "check-ref-format", "--allow-onelevel", ref], check=False).returncode == 0
    try:
        validate_ref(ref)
    except InvalidRef:
        assert not judged
    else:
        assert judged
