"""What a scan would write: every artifact once, nothing removed without proof, moves one to one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.doubts import Doubts
from marketplace.domain.scan_plan import KnownEntry, ScanPlan, entry_key, fingerprint, keyed, plan_scan, told
from marketplace.domain.types import ArtifactType, Basis, Detected
from marketplace.models import CatalogEntry
from marketplace.models.entry import SCAN_OWNED, USER_OWNED
from skillmeat_site.core.documents.types import Warned

SKILL, COMMAND, PLUGIN = ArtifactType.SKILL, ArtifactType.COMMAND, ArtifactType.PLUGIN


def found(path: str, content: str = "", type_: ArtifactType = SKILL, **more) -> Detected:
    """An artifact; its content is told apart by ``content``, by default its path."""
    name = path.rsplit("/", 1)[-1]
    fields = {"file": path, "name": name, "content_oid": content or path, "confidence": 90, "basis": Basis.LAYOUT}
    return Detected(type=type_, path=path, **(fields | more))


def known(artifact: Detected, pk: int, *, present: bool = True) -> KnownEntry:
    """The row that a scan would have written for this artifact."""
    key = entry_key(artifact.type, artifact.path, artifact.discriminator)
    told_of = (artifact.type.value, artifact.path, artifact.name, artifact.content_oid, fingerprint(artifact))
    return KnownEntry(pk, key, *told_of, present)


def catalog(*artifacts: Detected) -> list[KnownEntry]:
    return [known(artifact, pk) for pk, artifact in enumerate(artifacts, 1)]


def after(rows: list[KnownEntry], plan: ScanPlan) -> list[KnownEntry]:
    """The catalog as the writer would leave it."""
    changed = {c.known.pk: c for c in (*plan.returned, *plan.updated, *plan.rewritten)}
    removed = {entry.pk for entry in plan.removed}
    kept = [
        known(plan.found[changed[row.pk].key], row.pk)
        if row.pk in changed
        else replace(row, present=row.present and row.pk not in removed)
        for row in rows
    ]
    next_pk = max((row.pk for row in rows), default=0) + 1
    return kept + [known(plan.found[key], pk) for pk, key in enumerate(plan.new, next_pk)]


def counts(plan: ScanPlan) -> dict[str, int]:
    """What is not zero."""
    parts = ("new", "returned", "updated", "moved", "rewritten", "removed", "held")
    told_counts = {part: len(getattr(plan, part)) for part in parts} | {"unchanged": plan.unchanged_count}
    return {part: count for part, count in told_counts.items() if count}


# ---- one row per way an artifact can go


A, B = found("skills/a"), found("skills/b")

CASES = {
    "first scan": ([], [A, B], {"new": 2}),
    "nothing changed": ([A, B], [A, B], {"unchanged": 2}),
    "another content": ([A, B], [replace(A, content_oid="other"), B], {"updated": 1, "unchanged": 1}),
    "renamed in the frontmatter": ([A], [replace(A, name="new name", content_oid="x")], {"updated": 1}),
    "other findings on the same content": ([A], [replace(A, confidence=50)], {"unchanged": 1, "rewritten": 1}),
    "gone": ([A, B], [A], {"unchanged": 1, "removed": 1}),
    "moved": ([A], [replace(A, path="other/a")], {"updated": 1, "moved": 1}),
    "moved and renamed": ([A], [replace(A, path="other/z", name="z")], {"updated": 1, "moved": 1}),
    "copied: the old path is still there": ([A], [A, replace(A, path="other/a")], {"unchanged": 1, "new": 1}),
    "moved and changed is not moved": ([A], [found("other/a")], {"new": 1, "removed": 1}),
    "another type at the same path": ([A], [replace(A, type=COMMAND)], {"new": 1, "removed": 1}),
    "two paths swapped": (
        [A, B],
        [replace(A, content_oid=B.content_oid), replace(B, content_oid=A.content_oid)],
        {"updated": 2},
    ),
    "content of unknown id does not move": (
        [replace(A, content_oid="")],
        [replace(A, content_oid="", path="other/a")],
        {"new": 1, "removed": 1},
    ),
    "one of two copies moved": (
        [A, replace(A, path="copies/a")],
        [A, replace(A, path="other/a")],
        {"unchanged": 1, "updated": 1, "moved": 1},
    ),
    "two copies became one elsewhere": (
        [A, replace(A, path="copies/a")],
        [replace(A, path="other/a")],
        {"updated": 1, "moved": 1, "removed": 1},
    ),
}


@pytest.mark.parametrize(("before", "now", "expected"), CASES.values(), ids=CASES)
def test_what_becomes_of_an_artifact(before, now, expected):
    assert counts(plan_scan(catalog(*before), now, complete=True)) == expected


def test_returned_is_neither_new_nor_updated_and_keeps_its_row():
    plan = plan_scan([known(A, 7, present=False)], [A], complete=True)
    assert counts(plan) == {"returned": 1}
    assert plan.returned[0].known.pk == 7


def test_removed_once_is_not_removed_again():
    assert counts(plan_scan([known(A, 7, present=False)], [], complete=True)) == {}


def test_same_path_with_several_declared_artifacts():
    servers = [found(".mcp.json", n, ArtifactType.MCP, discriminator=n, name=n) for n in ("one", "two")]
    plan = plan_scan(catalog(*servers), [servers[0], replace(servers[1], content_oid="changed")], complete=True)
    assert counts(plan) == {"unchanged": 1, "updated": 1}


def test_one_key_twice_is_refused():
    with pytest.raises(AssertionError, match="detected twice"):
        keyed([A, A])


def test_a_plan_that_does_not_add_up_cannot_be_made():
    plan = plan_scan([], [A], complete=True)
    with pytest.raises(AssertionError, match="does not add up"):
        replace(plan, unchanged_count=1)


def test_of_several_moves_the_same_name_is_paired_first():
    before = catalog(found("x/one", "same"), found("y/two", "same"))
    plan = plan_scan(before, [found("new/two", "same"), found("new/one", "same")], complete=True)
    assert {c.known.path: plan.found[c.key].path for c in plan.moved} == {"x/one": "new/one", "y/two": "new/two"}


def test_plugin_links_go_to_the_plugin_and_never_to_itself():
    plugin = found("p", type_=PLUGIN, plugin="p")
    inside = found("p/skills/a", plugin="p")
    elsewhere = found("q/skills/a", plugin="q")
    plan = plan_scan([], [plugin, inside, elsewhere], complete=True)
    assert plan.plugins == {entry_key(SKILL, "p/skills/a"): entry_key(PLUGIN, "p")}


# ---- removals


@pytest.mark.parametrize(
    ("present", "gone", "held"),
    [
        pytest.param(10, 10, False, id="ten may all go"),
        pytest.param(11, 11, True, id="eleven of eleven"),
        pytest.param(22, 11, False, id="exactly half"),
        pytest.param(21, 11, True, id="one more than half"),
        pytest.param(100, 50, False, id="half of many"),
        pytest.param(100, 51, True, id="more than half of many"),
        pytest.param(3, 2, False, id="most of a few"),
    ],
)
def test_too_many_removals_are_held(present, gone, held):
    everything = [found(f"skills/{n:03}") for n in range(present)]
    plan = plan_scan(catalog(*everything), everything[gone:], complete=True)
    assert len(plan.held if held else plan.removed) == gone
    assert not (plan.removed if held else plan.held)
    allowed = plan_scan(catalog(*everything), everything[gone:], complete=True, allow_removals=True)
    assert (len(allowed.removed), len(allowed.held)) == (gone, 0)


def test_removed_ones_do_not_count_as_present():
    """11 of 21 present ones would go; 100 more that are gone already make no difference."""
    everything = [found(f"skills/{n:03}") for n in range(21)]
    past = [known(found(f"past/{n}"), 1000 + n, present=False) for n in range(100)]
    assert plan_scan([*catalog(*everything), *past], everything[11:], complete=True).held


def test_moves_are_no_removals():
    everything = [found(f"skills/{n:03}") for n in range(30)]
    moved = [replace(artifact, path=f"moved/{artifact.name}") for artifact in everything]
    assert counts(plan_scan(catalog(*everything), moved, complete=True)) == {"updated": 30, "moved": 30}


def test_hold_removals_holds_even_one_unless_allowed():
    assert counts(plan_scan(catalog(A), [], complete=True, hold_removals=True)) == {"held": 1}
    allowed = plan_scan(catalog(A), [], complete=True, hold_removals=True, allow_removals=True)
    assert counts(allowed) == {"removed": 1}


def test_what_could_not_be_looked_into_is_held_by_itself():
    """The rest of what is gone is removed; with a person's word all of it."""
    why = Warned("json_invalid", "")
    gone = catalog(found("a.json"), found("kit"), found("kit/x/y"), found("kitchen"), found("b.json"))
    doubts = Doubts({"a.json": why}, {"kit": why})
    plan = plan_scan(gone, [], complete=True, doubts=doubts)
    assert [entry.path for entry in plan.held] == ["a.json", "kit", "kit/x/y"]
    assert [entry.path for entry in plan.removed] == ["kitchen", "b.json"]
    allowed = plan_scan(gone, [], complete=True, allow_removals=True, doubts=doubts)
    assert counts(allowed) == {"removed": 5}
    assert counts(plan_scan(gone, [], complete=True, doubts=Doubts({}, {"": why}))) == {"held": 5}


def test_an_incomplete_listing_proves_no_absence():
    plan = plan_scan(catalog(A, B), [replace(A, content_oid="x"), found("skills/c")], complete=False)
    assert counts(plan) == {"updated": 1, "new": 1}


def test_an_incomplete_listing_moves_nothing():
    """The old path may still be there: its content at another one is a copy."""
    plan = plan_scan(catalog(A), [replace(A, path="other/a")], complete=False)
    assert counts(plan) == {"new": 1}


# ---- fingerprints and ownership


@pytest.mark.parametrize(
    "change",
    [
        {"name": "n"}, {"namespace": "n"}, {"confidence": 1}, {"basis": Basis.MANUAL}, {"title": "t"},
        {"description": "d"}, {"tags": ("t",)}, {"signals": ("s:1",)}, {"metadata": {"m": 1}}, {"client": "c"},
        {"warnings": (Warned("w", "why"),)}, {"manual": True}, {"file": "f"}, {"content_oid": "o"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_the_fingerprint_tells_every_change(change):
    assert fingerprint(replace(A, **change)) != fingerprint(A)


def test_the_fingerprint_does_not_depend_on_the_order_of_keys():
    one, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert fingerprint(replace(A, metadata=one)) == fingerprint(replace(A, metadata=other))


def test_a_lone_surrogate_breaks_neither_key_nor_fingerprint():
    odd = replace(A, path="skills/\ud800", name="\ud800")
    assert entry_key(odd.type, odd.path) != entry_key(A.type, A.path)
    assert fingerprint(odd) != fingerprint(A)


def test_scan_and_user_own_disjoint_columns_that_cover_the_model():
    identity = {"id", "source", "first_seen_at"}
    columns = {field.name for field in CatalogEntry._meta.concrete_fields}
    assert not SCAN_OWNED & USER_OWNED
    assert SCAN_OWNED | USER_OWNED | identity == columns
    assert set(told(A)) <= SCAN_OWNED


# ---- whatever is known and whatever is found


paths = st.sampled_from([f"{folder}/{name}" for folder in "xyz" for name in "abcd"])
some_artifacts = st.lists(
    st.builds(
        found,
        paths,
        st.sampled_from(["one", "two", "three"]),
        st.sampled_from([SKILL, COMMAND]),
        confidence=st.sampled_from([50, 90]),
        name=st.sampled_from(["a", "b"]),
    ),
    max_size=14,
    unique_by=lambda artifact: (artifact.type, artifact.path),
)
catalogs = some_artifacts.flatmap(
    lambda artifacts: st.tuples(
        *(st.builds(known, st.just(a), st.just(pk), present=st.booleans()) for pk, a in enumerate(artifacts, 1))
    ).map(list)
)
options = st.fixed_dictionaries(
    {"complete": st.booleans(), "allow_removals": st.booleans(), "hold_removals": st.booleans()}
)


@given(catalogs, some_artifacts, options)
def test_every_artifact_is_planned_exactly_once(rows, artifacts, chosen):
    plan = plan_scan(rows, artifacts, **chosen)
    changed = [change.key for change in (*plan.returned, *plan.updated)]
    planned = [*plan.new, *changed]
    assert len(planned) == len(set(planned))
    assert len(planned) + plan.unchanged_count == len(artifacts)
    assert {c.key for c in plan.rewritten}.isdisjoint(planned)
    written = [change.known.pk for change in (*plan.returned, *plan.updated, *plan.rewritten)]
    gone = [entry.pk for entry in (*plan.removed, *plan.held)]
    assert len(written + gone) == len(set(written + gone))


@given(catalogs, some_artifacts, options)
def test_removals_need_a_complete_listing_and_nobody_who_holds_them(rows, artifacts, chosen):
    plan = plan_scan(rows, artifacts, **chosen)
    if not chosen["complete"]:
        assert not plan.removed
        assert not plan.held
        assert not plan.moved
    if chosen["hold_removals"] and not chosen["allow_removals"]:
        assert not plan.removed
    if chosen["allow_removals"]:
        assert not plan.held
    assert all(entry.present for entry in (*plan.removed, *plan.held))
    assert not {entry.key for entry in (*plan.removed, *plan.held)} & set(plan.found)


@given(catalogs, some_artifacts)
def test_moves_are_one_to_one_and_keep_type_and_content(rows, artifacts):
    plan = plan_scan(rows, artifacts, complete=True)
    assert len({change.known.pk for change in plan.moved}) == len({change.key for change in plan.moved})
    for change in plan.moved:
        artifact = plan.found[change.key]
        assert (change.known.type, change.known.content_oid) == (artifact.type, artifact.content_oid)
        assert change.known.key not in plan.found
        assert change.key not in {row.key for row in rows}


@given(catalogs, some_artifacts, options)
def test_planning_the_outcome_again_changes_nothing(rows, artifacts, chosen):
    written = after(rows, plan_scan(rows, artifacts, **chosen))
    again = plan_scan(written, artifacts, **chosen)
    assert again.unchanged_count == len(artifacts)
    assert not (again.new)
    assert not (again.returned)
    assert not (again.updated)
    assert not (again.rewritten)
    assert not (again.removed)


@given(catalogs, some_artifacts)
def test_what_is_present_afterwards_is_what_was_found(rows, artifacts):
    written = after(rows, plan_scan(rows, artifacts, complete=True, allow_removals=True))
    assert {row.key for row in written if row.present} == set(keyed(artifacts))
    assert len({row.key for row in written}) == len(written)
