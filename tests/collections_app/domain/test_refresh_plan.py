"""The plan of a refresh: over all combinations it adds up, and applied it changes nothing more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.artifact_document import Told
from collections_app.domain.lockfile import LockEntry
from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.refresh_fields import WRITTEN, WRITTEN_TAGS, Written, plan_fields
from collections_app.domain.refresh_options import FIELDS, RefreshMode, RefreshOptions, Strategy
from collections_app.domain.refresh_plan import Failure, Mine, Planned, Status, Step, Theirs, plan_artifact
from collections_app.domain.types import ArtifactRef, Problem
from collections_app.domain.update_verdict import verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = ("description", "author", "license", "title", "version")
WORDS = st.sampled_from(["", "one", "two", "ONE"])
TAGS = st.lists(st.sampled_from(["a", "b", "c", "A"]), max_size=4, unique_by=str.lower).map(tuple)
TOLD = st.builds(
    lambda texts, tags: Told({name: text for name, text in texts.items() if text}, tags),
    st.fixed_dictionaries(dict.fromkeys(TEXTS, WORDS)),
    TAGS,
)
WRITTENS = st.builds(Written, st.dictionaries(st.sampled_from(TEXTS), WORDS), TAGS)
OIDS = st.sampled_from(["", "a" * 40, "b" * 40, "c" * 40])


@st.composite
def records(draw: st.DrawFn) -> ArtifactRecord:
    users = draw(st.lists(st.sampled_from(FIELDS), unique=True, max_size=3))
    return ArtifactRecord(
        type="skill",
        name="alpha",
        path="skills/alpha",
        origin="marketplace",
        added=NOW,
        uuid="0" * 32,
        upstream=draw(st.sampled_from([None, "https://github.com/o/r"])),
        upstream_path="skills/alpha",
        base_oid=draw(OIDS) or None,
        pin=draw(st.sampled_from([None, "v1"])),
        tags=draw(TAGS),
        metadata=draw(st.dictionaries(st.sampled_from(TEXTS), WORDS)),
        extra={"user_fields": sorted(users)} if users else {},
    )


@st.composite
def artifacts(draw: st.DrawFn) -> Mine:
    problem = draw(st.sampled_from([None, None, None, Problem("unsafe_link", "a link")]))
    return Mine(
        id="00000000-0000-4000-8000-000000000000",
        ref=ArtifactRef("skill", "alpha"),
        path="skills/alpha",
        record=draw(st.none() | records()),
        current=draw(OIDS),
        problem=problem,
        written=draw(WRITTENS),
    )


OPTIONS = st.builds(
    RefreshOptions,
    st.sampled_from([RefreshMode.METADATA_ONLY, RefreshMode.SYNC]),
    st.sampled_from(list(Strategy)),
    st.frozensets(st.sampled_from(FIELDS), min_size=1),
)
THEIRS = st.builds(Theirs, OIDS.filter(bool), st.just("f" * 40), TOLD, WORDS)
ANSWERS = st.none() | THEIRS | st.builds(Failure, st.just("upstream_auth"), st.just("no"), st.booleans())


def applied(planned: Planned) -> Mine:
    """The artifact after the plan was carried out, a merge having kept something of ours."""
    mine = planned.mine
    if not planned.changes or mine.record is None or planned.theirs is None:
        return mine
    record = planned.fields.apply(mine.record)
    current = mine.current
    if planned.step is not Step.LEAVE:
        current = "d" * 40 if planned.step is Step.MERGE else planned.theirs.oid
        record = replace(record, base_oid=planned.theirs.oid)
    noted = {WRITTEN: planned.fields.written.fields, WRITTEN_TAGS: list(planned.fields.written.tags)}
    lock = LockEntry(ref=mine.ref, content_hash=current, fetched=NOW, extra=noted)
    return replace(mine, record=record, current=current, written=Written.in_lock(lock) or Written())


@given(artifacts(), ANSWERS, OPTIONS)
def test_a_refresh_that_was_applied_changes_nothing_more(
    mine: Mine, theirs: Theirs | Failure | None, options: RefreshOptions
) -> None:
    planned = plan_artifact(mine, theirs, options)
    again = plan_artifact(applied(planned), theirs, options)
    assert not again.changes


@given(artifacts(), ANSWERS, OPTIONS)
def test_what_is_told_is_what_is_counted(mine: Mine, theirs: Theirs | Failure | None, options: RefreshOptions) -> None:
    planned = plan_artifact(mine, theirs, options)
    row = planned.to_json()
    assert bool(row["changes"]) is planned.changes
    assert set(row["changes"]) - {"content", "base"} <= options.fields
    assert planned.step is not Step.SETTLE or planned.theirs.oid == mine.current != mine.base
    assert set(row["old_values"]) == set(row["new_values"]) == set(row["applied"])
    assert not set(row["kept"]) & set(row["changes"]) - {"tags"}
    if isinstance(theirs, Failure) and planned.status in (Status.REFRESHED, Status.UNCHANGED):
        raise AssertionError("a failure is never up to date")
    if options.mode is RefreshMode.METADATA_ONLY:
        assert planned.step is Step.LEAVE
    assert verdict(mine, theirs)


@given(records(), WRITTENS, TOLD)
def test_nothing_is_erased_and_the_users_word_stays(record: ArtifactRecord, written: Written, told: Told) -> None:
    changes = plan_fields(record, written, told, frozenset(FIELDS))
    after = changes.apply(record)
    for name in TEXTS:
        if not told.fields.get(name):
            assert after.metadata.get(name) == record.metadata.get(name)
    users = set(record.extra.get("user_fields", ()))
    assert not users & set(changes.new)
    edited = {name for name in TEXTS if (record.metadata.get(name) or "") != (written.fields.get(name) or "")}
    assert not edited & set(changes.new)


def test_a_licence_differs_by_more_than_its_case() -> None:
    record = ArtifactRecord(
        type="skill", name="a", path="skills/a", origin="local", added=NOW, metadata={"license": "mit"}
    )
    written = Written({"license": "mit"})
    assert not plan_fields(record, written, Told({"license": "MIT"}), frozenset(FIELDS)).new
    assert plan_fields(record, written, Told({"license": "GPL"}), frozenset(FIELDS)).new == {"license": "GPL"}


def test_tags_are_taken_one_by_one() -> None:
    record = ArtifactRecord(
        type="skill", name="a", path="skills/a", origin="local", added=NOW, tags=("mine", "old", "both")
    )
    written = Written(tags=("old", "both", "removed-here"))
    changes = plan_fields(record, written, Told({}, ("both", "new", "removed-here")), frozenset(FIELDS))
    assert changes.new == {"tags": ["mine", "both", "new"]}
    assert changes.kept == ("tags",)
