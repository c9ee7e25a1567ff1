"""The plan of an import: whatever is wanted and whatever is there, nothing is lost and nothing is named twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.import_plan import Action, Blocked, Occupant, Strategy, Wanted, plan_import
from collections_app.domain.names import RENAME_LIMIT, collision_key
from collections_app.domain.types import ArtifactKind, ArtifactRef

KINDS = [ArtifactKind.SKILL, ArtifactKind.COMMAND, ArtifactKind.HOOK]
names = st.sampled_from(["a", "A", "a-1", "a-2", "b", "..", "con", "ns:a", "x" * 255, "é", "e\u0301"])
kinds = st.sampled_from(KINDS)
TAKES = (Action.CREATE, Action.REPLACE)


def place(ref):
    return ref.type, collision_key(ref.name)


@st.composite
def situations(draw):
    """Wanted ones with links to some of the occupants; each name is held once, each id is one occupant's."""
    refs = draw(
        st.lists(st.builds(ArtifactRef, kinds, names), unique_by=lambda ref: (ref.type, collision_key(ref.name)))
    )
    occupants = []
    for number, ref in enumerate(refs):
        recorded, present = draw(st.booleans()), draw(st.booleans())
        managed = draw(st.booleans()) or not present
        occupants.append(Occupant(f"id{number}" if managed else "", ref, present, recorded and managed))
    ids = ["", "gone", *(occupant.id for occupant in occupants)]
    wanted = [
        Wanted(key, draw(kinds), draw(names), draw(st.sampled_from(ids))) for key in range(draw(st.integers(0, 8)))
    ]
    return wanted, occupants, draw(st.sampled_from(Strategy))


@given(situations())
def test_whatever_is_wanted(situation):
    wanted, occupants, strategy = situation
    decisions = plan_import(wanted, occupants, strategy)
    assert [decision.key for decision in decisions] == [want.key for want in wanted], "each once, in order"
    taken = [decision for decision in decisions if decision.action in TAKES]
    places = [place(decision.ref) for decision in taken]
    assert len(set(places)) == len(places), "no name twice"
    targets = [decision.target for decision in taken if decision.target]
    assert len(set(targets)) == len(targets), "no artifact twice"
    by_id = {occupant.id: occupant for occupant in occupants if occupant.id}
    unmanaged = {place(o.ref) for o in occupants if not o.id}
    assert not unmanaged & set(places), "what no manifest knows is never replaced"
    for decision in taken:
        assert decision.ref.type == wanted[decision.key].kind or decision.target == wanted[decision.key].link
        if decision.target:
            assert by_id[decision.target].ref.type == decision.ref.type
            if strategy is not Strategy.OVERWRITE:
                assert not by_id[decision.target].present, "what is there is replaced only where that was asked for"
    for decision in decisions:
        if decision.action in (Action.SKIP, Action.CONFLICT, Action.REFUSE):
            assert decision.code
            assert not decision.target


@given(situations())
def test_skipping_never_conflicts_and_never_replaces(situation):
    wanted, occupants, _ = situation
    for decision in plan_import(wanted, occupants, Strategy.SKIP):
        assert decision.action is not Action.CONFLICT
        present = {place(o.ref) for o in occupants if o.present}
        if decision.action in TAKES:
            assert place(decision.ref) not in present


def test_names_run_out():
    taken = [Occupant(f"id{n}", ArtifactRef("skill", f"a-{n}")) for n in range(1, RENAME_LIMIT + 1)]
    held = [Occupant("id", ArtifactRef("skill", "a")), *taken]
    (decision,) = plan_import([Wanted(1, ArtifactKind.SKILL, "a")], held, Strategy.RENAME)
    assert (decision.action, decision.code) == (Action.CONFLICT, Blocked.EXHAUSTED)


def test_a_gone_artifact_whose_name_another_entry_of_the_batch_took_first():
    """Both would have come to the same name."""
    gone = Occupant("id", ArtifactRef("skill", "a"), present=False, recorded=False)
    wanted = [Wanted(1, ArtifactKind.SKILL, "a"), Wanted(2, ArtifactKind.SKILL, "a", link="id")]
    first, second = plan_import(wanted, [gone], Strategy.OVERWRITE)
    assert (first.action, first.target) == (Action.CREATE, "id")
    assert (second.action, second.code) == (Action.CONFLICT, Blocked.TWICE)
