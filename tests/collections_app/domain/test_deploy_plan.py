"""Plans: every situation has one answer, a second deployment changes nothing, an edit is never lost unasked."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.deploy_plan import (
    ABSENT,
    Action,
    Found,
    Key,
    Options,
    Presence,
    Reason,
    Recorded,
    Wanted,
    found_keys,
    plan_deploy,
    plan_undeploy,
)
from collections_app.domain.deploy_targets import SUPPORTED, Profile, target_of
from collections_app.domain.json_merge import inspect, merge
from collections_app.domain.merge_slots import read_payload
from collections_app.domain.merge_types import MergeKind
from collections_app.domain.types import ArtifactKind
from collections_app.errors import UnsafePath, UnsupportedTarget
from skillmeat_site.core.results import ItemOutcome

OLD, NEW, EDITED = "0" * 40, "1" * 40, "e" * 40
SKILL = Key(ArtifactKind.SKILL, "pdf")
WANTED = Wanted(SKILL, NEW, "default")
PATH = ".claude/skills/pdf"
BOTH = Options(overwrite=True, force=True)
OPTIONS = [Options(), Options(overwrite=True), Options(force=True), BOTH]


def row(oid, **changes):
    return replace(Recorded(SKILL, PATH, oid, "default"), **changes)


def folder(oid):
    return Found(Presence.DIRECTORY, oid)


def deploy(found=ABSENT, recorded=None, options=OPTIONS[0], wanted=WANTED):
    (step,) = plan_deploy([wanted], [recorded] if recorded else [], {wanted.key: found}, options)
    return step


def undeploy(found=ABSENT, recorded=None, options=OPTIONS[0]):
    (step,) = plan_undeploy([SKILL], [recorded] if recorded else [], {SKILL: found}, options)
    return step


# found, recorded, then for each of OPTIONS the outcome
DEPLOY = {
    "nothing there": (ABSENT, None, ["created"] * 4),
    "gone meanwhile": (ABSENT, row(OLD), ["created"] * 4),
    "gone, and up to date before": (ABSENT, row(NEW), ["created"] * 4),
    "somebody's folder": (folder(EDITED), None, ["unmanaged", "updated", "unmanaged", "updated"]),
    "somebody's equal folder": (folder(NEW), None, ["unmanaged", "updated", "unmanaged", "updated"]),
    "a file instead": (Found(Presence.FILE, NEW), None, ["unmanaged", "updated", "unmanaged", "updated"]),
    "a link": (Found(Presence.LINK), None, ["unmanaged", "updated", "unmanaged", "updated"]),
    "in sync": (folder(NEW), row(NEW), ["unchanged"] * 4),
    "outdated": (folder(OLD), row(OLD), ["updated"] * 4),
    "edited alike": (folder(NEW), row(OLD), ["unchanged"] * 4),
    "edited": (folder(EDITED), row(NEW), ["modified", "updated", "updated", "updated"]),
    "edited, and outdated": (folder(EDITED), row(OLD), ["modified", "updated", "updated", "updated"]),
    "unreadable": (folder(None), row(OLD), ["modified", "updated", "updated", "updated"]),
    "of 1.x, equal": (folder(NEW), row(None), ["unchanged"] * 4),
    "of 1.x": (folder(OLD), row(None), ["modified", "updated", "updated", "updated"]),
    "of 1.x, unreadable": (folder(None), row(None), ["modified", "updated", "updated", "updated"]),
    "a link now": (Found(Presence.LINK), row(OLD), ["modified", "updated", "updated", "updated"]),
    "a file now": (Found(Presence.FILE, OLD), row(OLD), ["modified", "updated", "updated", "updated"]),
    "recorded elsewhere": (folder(OLD), row(OLD, path=".claude/x"), ["unmanaged", "updated", "unmanaged", "updated"]),
    "another collection's": (folder(OLD), row(OLD, collection="b"), ["taken", "updated", "taken", "updated"]),
    "a device": (Found(Presence.SPECIAL), row(OLD), ["target_blocked"] * 4),
    "a file on the way": (Found(Presence.BLOCKED), None, ["target_blocked"] * 4),
    "a link on the way": (Found(Presence.LINKED_PARENT), row(OLD), ["unsafe_link"] * 4),
    "settings nobody can read": (Found(Presence.INVALID), None, ["settings_invalid"] * 4),
}


@pytest.mark.parametrize("name", DEPLOY)
@pytest.mark.parametrize("number", range(4), ids=["plain", "overwrite", "force", "both"])
def test_deploying(name, number):
    found, recorded, expected = DEPLOY[name]
    step = deploy(found, recorded, OPTIONS[number])
    if expected[number] in set(ItemOutcome):
        assert (step.outcome, step.code) == (expected[number], None)
        assert step.target == target_of(SKILL.kind, SKILL.name)
    else:
        assert (step.outcome, step.code, step.actions) == (ItemOutcome.CONFLICT, expected[number], ())


def test_what_is_done():
    assert deploy().actions == (Action.WRITE, Action.RECORD)
    assert deploy(folder(OLD), row(OLD)).actions == (Action.REPLACE, Action.RECORD)
    assert deploy(folder(NEW), row(NEW)).actions == ()
    assert deploy(folder(NEW), row(OLD)).actions == (Action.RECORD,)
    assert deploy(folder(NEW), row(None)).actions == (Action.RECORD,)
    assert deploy(folder(NEW), row(NEW, collection="b"), BOTH).actions == (Action.RECORD,)


UNDEPLOY = {
    "as deployed": (folder(OLD), row(OLD), "removed", "removed"),
    "gone": (ABSENT, row(OLD), "removed", "removed"),
    "edited": (folder(EDITED), row(OLD), "modified", "removed"),
    "unreadable": (folder(None), row(OLD), "modified", "removed"),
    "a link now": (Found(Presence.LINK, OLD), row(OLD), "modified", "removed"),
    "of 1.x": (folder(OLD), row(None), "unknown_content", "removed"),
    "of 1.x, unreadable": (folder(None), row(None), "unknown_content", "removed"),
    "some keys left": (Found(Presence.KEYS, EDITED, partial=True), row(OLD), "removed", "removed"),
    "never deployed": (folder(OLD), None, "not_deployed", "not_deployed"),
    "a link on the way": (Found(Presence.LINKED_PARENT), row(OLD), "unsafe_link", "unsafe_link"),
    "a file on the way": (Found(Presence.BLOCKED), row(OLD), "target_blocked", "target_blocked"),
    "settings nobody can read": (Found(Presence.INVALID), row(OLD), "settings_invalid", "settings_invalid"),
}


@pytest.mark.parametrize("name", UNDEPLOY)
@pytest.mark.parametrize("options", [Options(), Options(overwrite=True), Options(force=True)], ids=str)
def test_undeploying(name, options):
    found, recorded, plain, forced = UNDEPLOY[name]
    step = undeploy(found, recorded, options)
    expected = forced if options.force else plain
    if expected == "removed":
        gone = found is ABSENT
        assert step.outcome is ItemOutcome.REMOVED
        assert step.actions == ((Action.FORGET,) if gone else (Action.REMOVE, Action.FORGET))
    else:
        assert (step.code, step.actions) == (expected, ())
        assert step.outcome in {ItemOutcome.SKIPPED, ItemOutcome.CONFLICT}


# One place, several artifacts


def test_a_skill_and_a_plugin_of_one_name():
    plugin = Wanted(Key(ArtifactKind.PLUGIN, "pdf"), OLD, "default")
    steps = plan_deploy([WANTED, plugin], [], {})
    assert [(step.key.kind, step.code) for step in steps] == [("plugin", None), ("skill", Reason.TAKEN)]
    steps = plan_deploy([plugin], [row(OLD)], {plugin.key: folder(OLD)}, BOTH)
    assert [step.code for step in steps] == [Reason.TAKEN]


@pytest.mark.parametrize(("one", "two"), [("pdf", "PDF"), ("straße", "STRASSE"), ("é", "e\u0301")])
def test_names_that_are_one_file_on_other_disks(one, two):
    wanted = [Wanted(Key(ArtifactKind.AGENT, name), OLD, "default") for name in (one, two)]
    steps = plan_deploy(wanted, [], {})
    assert sorted(step.code or "" for step in steps) == ["", Reason.TAKEN]


def test_one_artifact_of_two_collections():
    steps = plan_deploy([WANTED, replace(WANTED, collection="work")], [], {}, BOTH)
    assert [step.code for step in steps] == [None, Reason.TAKEN]


def test_servers_share_their_file():
    wanted = [Wanted(Key(ArtifactKind.MCP, name), OLD, "default") for name in ("a", "b")]
    assert {step.outcome for step in plan_deploy(wanted, [], {})} == {ItemOutcome.CREATED}


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (Key(ArtifactKind.HOOK, "x", Profile.CODEX), Reason.UNSUPPORTED),
        (Key(ArtifactKind.SKILL, "synced"), Reason.UNSUPPORTED),
        (Key(ArtifactKind.SKILL, "../x"), Reason.UNSAFE_PATH),
    ],
)
def test_one_that_has_no_place_does_not_stop_the_rest(key, code):
    steps = {step.key: step for step in plan_deploy([Wanted(key, OLD, "default"), WANTED], [], {}, BOTH)}
    assert (steps[key].outcome, steps[key].code, steps[key].actions) == (ItemOutcome.FAILED, code, ())
    assert steps[SKILL].outcome is ItemOutcome.CREATED


def test_a_reason_that_is_an_error_elsewhere_has_its_code():
    assert {Reason.UNSUPPORTED, Reason.UNSAFE_PATH} == {UnsupportedTarget.code, UnsafePath.code}


def test_a_hook_that_comes_only_with_its_plugin():
    hook = Wanted(Key(ArtifactKind.HOOK, "x"), OLD, "default", needs_plugin=True)
    assert deploy(wanted=hook, options=BOTH).code is Reason.NEEDS_PLUGIN
    plugin = Wanted(Key(ArtifactKind.PLUGIN, "x"), OLD, "default", needs_plugin=True)
    assert deploy(wanted=plugin).outcome is ItemOutcome.CREATED


# Merged keys

SERVER = Key(ArtifactKind.MCP, "db")


def server(url):
    return read_payload(MergeKind.SERVERS, "db", b'{"a": {"url": "%s"}, "b": {"url": "b"}}' % url)


def step_of(data, payload, recorded=None, owned=(), others=(), options=OPTIONS[0]):
    found = found_keys(inspect(data, MergeKind.SERVERS, owned, others=others, payload=payload))
    rows = [Recorded(SERVER, ".mcp.json", recorded.oid, "default")] if recorded else []
    (step,) = plan_deploy([Wanted(SERVER, payload.oid, "default")], rows, {SERVER: found}, options)
    merged = merge(data, payload, owned=owned, others=others, overwrite=options.overwrite, force=options.force)
    # the plan and the merge agree, always
    assert (step.outcome is ItemOutcome.CONFLICT) == bool(merged.conflicts)
    assert {conflict.code.value for conflict in merged.conflicts} <= {step.code and step.code.value}
    assert (step.outcome is ItemOutcome.UNCHANGED) == (merged.data == data and not merged.conflicts)
    return step


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_servers(options):
    first = merge(None, server(b"x"))
    edited = first.data.replace(b'"x"', b'"mine"')
    partial = b'{"mcpServers": {"b": {"url": "b"}}}'
    foreign = b'{"mcpServers": {"b": {"url": "b"}}}'
    assert step_of(None, server(b"x"), options=options).outcome is ItemOutcome.CREATED
    step = step_of(foreign, server(b"x"), options=options)
    assert step.code is (None if options.overwrite else Reason.UNMANAGED)
    step = step_of(first.data, server(b"x"), server(b"x"), first.owned, options=options)
    assert step.outcome is ItemOutcome.UNCHANGED
    step = step_of(first.data, server(b"y"), server(b"x"), first.owned, options=options)
    assert step.outcome is ItemOutcome.UPDATED
    step = step_of(edited, server(b"y"), server(b"x"), first.owned, options=options)
    assert step.code is (None if options.overwrite or options.force else Reason.MODIFIED)
    step = step_of(partial, server(b"x"), server(b"x"), first.owned, options=options)
    assert step.outcome is ItemOutcome.UPDATED
    step = step_of(first.data, server(b"y"), others=first.owned, options=options)
    assert step.code is Reason.TAKEN


# A model of a project


def placed(key):
    return key.kind in SUPPORTED[key.profile]


@dataclass
class Project:
    """Carries plans out on a dictionary."""

    disk: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)

    def found(self, keys):
        return {key: self.at(target_of(key.kind, key.name, key.profile).path, key) for key in keys if placed(key)}

    def at(self, path, key):
        directory = key.kind in {ArtifactKind.SKILL, ArtifactKind.PLUGIN}
        presence = Presence.DIRECTORY if directory else Presence.FILE
        return Found(presence, self.disk[path]) if path in self.disk else ABSENT

    def deploy(self, wanted, options=OPTIONS[0]):
        steps = plan_deploy(wanted, list(self.rows.values()), self.found([one.key for one in wanted]), options)
        content = {one.key: one for one in wanted}
        for step in steps:
            path, one = step.target.path if step.target else "", content[step.key]
            assert (Action.WRITE not in step.actions) or path not in self.disk
            if {Action.WRITE, Action.REPLACE} & set(step.actions):
                self.disk[path] = one.oid
            if Action.RECORD in step.actions:
                self.rows[step.key] = Recorded(step.key, path, one.oid, one.collection)
        return steps

    def undeploy(self, keys, options=OPTIONS[0]):
        steps = plan_undeploy(keys, list(self.rows.values()), self.found(keys), options)
        for step in steps:
            if Action.REMOVE in step.actions:
                del self.disk[self.rows[step.key].path]
            if Action.FORGET in step.actions:
                del self.rows[step.key]
        return steps


keys = st.builds(
    Key,
    st.sampled_from([ArtifactKind.SKILL, ArtifactKind.PLUGIN, ArtifactKind.COMMAND, ArtifactKind.AGENT]),
    st.sampled_from(["a", "A", "b"]),
    st.sampled_from(Profile),
)
batches = st.lists(
    st.builds(Wanted, keys, st.sampled_from([OLD, NEW]), st.just("default")), max_size=6, unique_by=lambda one: one.key
)
edits = st.dictionaries(keys, st.sampled_from([EDITED, None]), max_size=3)
options = st.sampled_from(OPTIONS)


def disturbed(data):
    """A project with deployments, edits and files of nobody."""
    project = Project()
    for batch in data.draw(st.lists(batches, max_size=2)):
        project.deploy(batch)
    for key, oid in data.draw(edits).items():
        if placed(key):
            path = target_of(key.kind, key.name, key.profile).path
            project.disk.pop(path, None)
            project.disk |= {path: oid} if oid else {}
    return project


@given(st.data(), batches, options)
def test_a_second_deployment_is_unchanged(data, batch, chosen):
    project = disturbed(data)
    first = project.deploy(batch, chosen)
    before = dict(project.disk), dict(project.rows)
    second = project.deploy(batch, chosen)
    well = {ItemOutcome.CREATED, ItemOutcome.UPDATED, ItemOutcome.UNCHANGED}
    for one, two in zip(first, second, strict=True):
        assert two.actions == ()
        assert (two.outcome, two.code) == (
            (ItemOutcome.UNCHANGED, None) if one.outcome in well else (one.outcome, one.code)
        )
    assert before == (project.disk, project.rows)


@given(st.data(), batches)
def test_without_options_nothing_of_anybodys_is_lost(data, batch):
    project = disturbed(data)
    recorded = {row.path: row.oid for row in project.rows.values()}
    before = dict(project.disk)
    project.deploy(batch)
    project.undeploy(list(project.rows))
    theirs = {path: oid for path, oid in before.items() if recorded.get(path) != oid}
    assert {path: project.disk.get(path) for path in theirs if path not in project.disk} == {}
    assert {path for path, oid in theirs.items() if project.disk[path] != oid} == set()


@given(st.data(), batches, options)
def test_every_step_has_its_place_in_a_fixed_order(data, batch, chosen):
    project = disturbed(data)
    found = project.found([one.key for one in batch])
    rows = list(project.rows.values())
    steps = plan_deploy(batch, rows, found, chosen)
    assert plan_deploy(batch[::-1], rows[::-1], found, chosen) == steps
    assert {step.key for step in steps} == {one.key for one in batch}
    places = [step.target.path for step in steps if {Action.WRITE, Action.REPLACE} & set(step.actions)]
    assert len({place.casefold() for place in places}) == len(places)
