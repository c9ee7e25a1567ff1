"""Merging into files of the project: nothing of theirs changes, and undeploying gives the same bytes back."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collections_app.domain.json_merge import Merge, inspect, inspect_all, merge, unmerge
from collections_app.domain.merge_slots import read_payload
from collections_app.domain.merge_types import Container, KeyProblem, KeyState, MergeKind
from collections_app.errors import SettingsInvalid
from tests.collections_app.domain.documents import documents, names, values

HOOKS, SERVERS = MergeKind.HOOKS, MergeKind.SERVERS


def handler(command, **more):
    return {"type": "command", "command": command, **more}


def hooks(event="PreToolUse", matcher="Bash", *handlers):
    group = {"matcher": matcher} if matcher is not None else {}
    return {event: [{**group, "hooks": list(handlers or (handler("fmt.sh"),))}]}


def payload(kind, content, name="x"):
    return read_payload(kind, name, json.dumps(content).encode())


FMT = payload(HOOKS, hooks())
SERVER = payload(SERVERS, {"db": {"command": "npx", "args": ["-y", "db"]}})


def text(merged):
    return merged.data.decode()


def edited(merged, old, new):
    """The file after somebody replaced one text by another in it."""
    assert text(merged).count(old) == 1
    return text(merged).replace(old, new).encode()


# What it looks like


def test_a_new_file_is_written_as_people_write_it_and_goes_again():
    merged = merge(None, SERVER)
    assert text(merged) == (
        '{\n  "mcpServers": {\n    "db": {\n      "command": "npx",\n      "args": [\n        "-y",\n        "db"\n'
        "      ]\n    }\n  }\n}\n"
    )
    assert unmerge(merged.data, SERVERS, merged.owned, containers=merged.containers) == Merge(None, (), ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '{\r\n\t"mcpServers": {\r\n\t\t"a": {"url": "x"}\r\n\t}\r\n}',
            '{\r\n\t"mcpServers": {\r\n\t\t"a": {"url": "x"},\r\n\t\t"n": {\r\n\t\t\t"url": "y"\r\n\t\t}\r\n\t}\r\n}',
        ),
        ('{"mcpServers":{"a":{"n":1e3}}}\n', '{"mcpServers":{"a":{"n":1e3},"n":{"url":"y"}}}\n'),
        ('{"mcpServers": {"a": {}}}', '{"mcpServers": {"a": {}, "n": {"url": "y"}}}'),
        ("\ufeff{}", '\ufeff{\n  "mcpServers": {\n    "n": {\n      "url": "y"\n    }\n  }\n}'),
        (
            '{\n    "z": 1.0,\n    "a": "\\u00e9\\/"\n}\n',
            '{\n    "z": 1.0,\n    "a": "\\u00e9\\/",\n    "mcpServers": {\n        "n": {\n            "url": "y"\n'
            "        }\n    }\n}\n",
        ),
    ],
)
def test_the_style_of_the_file_is_taken_up(before, after):
    merged = merge(before.encode(), payload(SERVERS, {"n": {"url": "y"}}))
    assert text(merged) == after
    assert unmerge(merged.data, SERVERS, merged.owned, containers=merged.containers).data == before.encode()


def test_the_artifacts_own_spelling_is_kept():
    raw = b'{"mcpServers": {"\\u00e4": {"timeout": 1.50e3, "big": 123456789012345678901234567890, "s": "\\u20ac"}}}'
    merged = text(merge(b"{}", read_payload(SERVERS, "x", raw)))
    for spelled in ('"\\u00e4"', "1.50e3", "123456789012345678901234567890", '"\\u20ac"'):
        assert spelled in merged


def test_a_group_of_the_artifact_stays_one_group_beside_foreign_ones():
    before = {"hooks": hooks("PreToolUse", "Bash", handler("own.sh"))}
    merged = merge(
        json.dumps(before).encode(), payload(HOOKS, hooks("PreToolUse", "Bash", handler("a"), handler("b")))
    )
    groups = json.loads(merged.data)["hooks"]["PreToolUse"]
    assert [[one["command"] for one in group["hooks"]] for group in groups] == [["own.sh"], ["a", "b"]]


# The promise: the same bytes

commands = st.sampled_from(["a", "b", "c"])
handlers = st.builds(handler, commands, timeout=st.integers(1, 2)) | st.fixed_dictionaries({"type": st.just("prompt")})
groups = st.lists(
    st.fixed_dictionaries(
        {"hooks": st.lists(handlers, min_size=1, max_size=2)}, optional={"matcher": st.sampled_from(["", "*", "Bash"])}
    ),
    max_size=2,
)
own_hooks = st.dictionaries(st.sampled_from(["Stop", "PreToolUse"]), groups, max_size=2)
own_servers = st.dictionaries(names | st.sampled_from(["db", "web"]), st.dictionaries(names, values), max_size=3)
contents = st.builds(
    lambda before, part, after: {**before, **part, **after},
    st.dictionaries(names, values, max_size=2),
    st.fixed_dictionaries({}, optional={"hooks": own_hooks, "mcpServers": own_servers}),
    st.dictionaries(names, values, max_size=2),
)
files = st.none() | documents(contents).map(str.encode)
artifacts = {
    HOOKS: own_hooks.filter(lambda events: any(events.values())),
    SERVERS: st.dictionaries(
        st.sampled_from(["db", "web", "é"]), st.dictionaries(names, values), min_size=1, max_size=2
    ).filter(lambda servers: not any(isinstance(one, str) for one in servers.values())),
}


@pytest.mark.parametrize("kind", MergeKind)
@given(data=st.data())
def test_deploy_twice_and_undeploy(kind, data):
    before = data.draw(files)
    wanted = payload(kind, data.draw(artifacts[kind]))
    merged = merge(before, wanted, overwrite=True)
    assert not merged.conflicts
    again = merge(merged.data, wanted, owned=merged.owned, containers=merged.containers)
    assert again == merged
    seen = inspect(merged.data, kind, merged.owned, payload=wanted)
    assert (seen.oid, seen.conflicts, seen.partial) == (wanted.oid, (), False)
    assert {state for _, state in seen.states} == {KeyState.INTACT}
    assert unmerge(merged.data, kind, merged.owned, containers=merged.containers) == Merge(before, (), ())


def others_of(owned, name):
    return [key for other, keys in owned.items() if other != name for key in keys]


@pytest.mark.parametrize("kind", MergeKind)
@settings(max_examples=60)
@given(data=st.data())
def test_any_order_of_deploying_updating_and_undeploying_ends_at_the_same_bytes(kind, data):
    before = current = data.draw(files)
    owned, containers = {}, ()
    for name in data.draw(st.lists(st.sampled_from("abc"), max_size=6)):
        others = others_of(owned, name)
        if name in owned and data.draw(st.booleans()):
            done = unmerge(current, kind, owned.pop(name), others=others, containers=containers)
            assert not done.conflicts
        else:
            wanted = payload(kind, data.draw(artifacts[kind]))
            overwrite, mine = data.draw(st.booleans()), owned.get(name, ())
            done = merge(current, wanted, owned=mine, others=others, containers=containers, overwrite=overwrite)
            if done.conflicts:
                assert done.data == current
                continue
            owned[name] = done.owned
            assert inspect(done.data, kind, done.owned, others=others).oid == wanted.oid
        current, containers = done.data, done.containers
    for name in data.draw(st.permutations(sorted(owned))):
        done = unmerge(current, kind, owned.pop(name), others=others_of(owned, name), containers=containers)
        current, containers = done.data, done.containers
    assert current == before
    assert containers == ()


@pytest.mark.parametrize("kind", MergeKind)
@given(data=st.data())
def test_foreign_members_keep_order_and_spelling(kind, data):
    before = data.draw(documents(contents))
    merged = text(merge(before.encode(), payload(kind, data.draw(artifacts[kind])), overwrite=False))
    old, new = json.loads(before.removeprefix("\ufeff")), json.loads(merged.removeprefix("\ufeff"))
    assert [key for key in new if key in old] == list(old)
    assert {key: value for key, value in new.items() if key != kind.value} == {
        key: value for key, value in old.items() if key != kind.value
    }


def test_all_deployments_of_a_file_at_once_fare_as_each_alone():
    current, owned, containers = None, {}, ()
    for name in "abc":
        wanted = payload(HOOKS, hooks("Stop", None, handler(name), handler(f"{name}2")), name)
        others = others_of(owned, name)
        done = merge(current, wanted, others=others, containers=containers)
        current, owned[name], containers = done.data, done.owned, done.containers
    current = current.replace(b'"b"', b'"edited"')
    seen = inspect_all(current, HOOKS, owned)
    assert seen == {name: inspect(current, HOOKS, owned[name], others=others_of(owned, name)) for name in owned}
    assert [state for _, state in seen["b"].states] == [KeyState.MODIFIED, KeyState.INTACT]


# Conflicts


def test_a_foreign_server_is_a_conflict_and_nothing_is_written():
    before = b'{"mcpServers": {"db": {"url": "theirs"}}}'
    two = payload(SERVERS, {"new": {"url": "x"}, "db": {"url": "ours"}})
    merged = merge(before, two, force=True)
    assert [(one.code, one.label) for one in merged.conflicts] == [(KeyProblem.FOREIGN, "db")]
    assert (merged.data, merged.owned, merged.containers) == (before, (), ())
    assert inspect(before, SERVERS, payload=two).conflicts == merged.conflicts


def test_an_equal_foreign_server_is_foreign_all_the_same():
    before = merge(None, SERVER).data
    assert [one.code for one in merge(before, SERVER).conflicts] == [KeyProblem.FOREIGN]


def test_what_was_overwritten_is_given_back():
    before = b'{"mcpServers": {"db" : { "url":"theirs" , "n":1.0}, "z": 1}}'
    merged = merge(before, SERVER, overwrite=True)
    assert json.loads(merged.data)["mcpServers"]["db"]["command"] == "npx"
    newer = merge(merged.data, payload(SERVERS, {"db": {"url": "newer"}}), owned=merged.owned)
    assert not newer.conflicts
    assert unmerge(newer.data, SERVERS, newer.owned).data == before


def test_a_foreign_hook_of_the_same_matcher_and_command():
    before = json.dumps(
        {"hooks": hooks("PreToolUse", "Bash", handler("other"), handler("fmt.sh", timeout=9))}
    ).encode()
    assert [(one.code, one.label) for one in merge(before, FMT).conflicts] == [
        (KeyProblem.FOREIGN, "PreToolUse[Bash]")
    ]
    merged = merge(before, FMT, overwrite=True)
    (group,) = json.loads(merged.data)["hooks"]["PreToolUse"]
    assert group["hooks"] == [handler("other"), handler("fmt.sh")]
    assert unmerge(merged.data, HOOKS, merged.owned).data == before


@pytest.mark.parametrize(
    "theirs",
    [
        hooks("PreToolUse", "Edit"),
        hooks("PostToolUse", "Bash"),
        hooks("PreToolUse", "Bash", handler("fmt.sh", args=["x"])),
        hooks("PreToolUse", "Bash", {**handler("fmt.sh"), "if": "Bash(git *)"}),
        {"PreToolUse": ["nonsense", {}, {"matcher": "Bash"}, {"matcher": "Bash", "hooks": None}]},
        {"PreToolUse": [{"matcher": 1, "hooks": ["nonsense"]}], "Other": "nonsense"},
    ],
)
def test_other_hooks_are_no_conflict(theirs):
    before = json.dumps({"hooks": theirs}).encode()
    merged = merge(before, FMT)
    assert not merged.conflicts
    assert unmerge(merged.data, HOOKS, merged.owned, containers=merged.containers).data == before


@pytest.mark.parametrize("theirs", [None, "", "*"])
@pytest.mark.parametrize("ours", [None, "", "*"])
def test_no_matcher_has_three_spellings(theirs, ours):
    before = json.dumps({"hooks": hooks("Stop", theirs)}).encode()
    wanted = payload(HOOKS, hooks("Stop", ours))
    assert [one.code for one in merge(before, wanted).conflicts] == [KeyProblem.FOREIGN]
    assert wanted.oid == payload(HOOKS, hooks("Stop", None)).oid


def test_a_key_of_another_deployment_is_never_taken():
    first = merge(None, SERVER)
    second = merge(
        first.data,
        payload(SERVERS, {"db": {"url": "y"}}),
        others=first.owned,
        containers=first.containers,
        overwrite=True,
        force=True,
    )
    assert [one.code for one in second.conflicts] == [KeyProblem.TAKEN]
    assert second.data == first.data


# Edited meanwhile


def test_an_edited_server_is_kept_unless_forced():
    merged = merge(b'{"x": 1}', SERVER)
    data = edited(merged, '"npx"', '"mine"')
    seen = inspect(data, SERVERS, merged.owned)
    assert [state for _, state in seen.states] == [KeyState.MODIFIED]
    assert seen.oid not in (None, SERVER.oid)
    kept = unmerge(data, SERVERS, merged.owned, containers=merged.containers)
    assert (kept.data, kept.owned, kept.containers) == (data, merged.owned, merged.containers)
    assert [one.code for one in kept.conflicts] == [KeyProblem.MODIFIED]
    assert unmerge(data, SERVERS, merged.owned, containers=merged.containers, force=True).data == b'{"x": 1}'


@pytest.mark.parametrize("options", [{"overwrite": True}, {"force": True}])
def test_an_update_over_an_edit(options):
    merged = merge(None, SERVER)
    data = edited(merged, '"npx"', '"mine"')
    newer = payload(SERVERS, {"db": {"url": "y"}})
    refused = merge(data, newer, owned=merged.owned, containers=merged.containers)
    assert ([one.code for one in refused.conflicts], refused.data) == ([KeyProblem.MODIFIED], data)
    done = merge(data, newer, owned=merged.owned, containers=merged.containers, **options)
    assert json.loads(done.data) == {"mcpServers": {"db": {"url": "y"}}}


def test_an_edit_that_the_update_brings_too_is_none():
    merged = merge(None, SERVER)
    data = edited(merged, '"npx"', '"mine"')
    newer = payload(SERVERS, {"db": {"command": "mine", "args": ["-y", "db"]}})
    done = merge(data, newer, owned=merged.owned, containers=merged.containers)
    assert (done.conflicts, done.data) == ((), data)


def test_another_format_is_no_edit():
    merged = merge(None, payload(SERVERS, {"db": {"url": "é", "n": 1.0}}))
    data = json.dumps(json.loads(merged.data), indent=1, sort_keys=True).replace("1.0", "1").encode()
    assert [state for _, state in inspect(data, SERVERS, merged.owned).states] == [KeyState.INTACT]
    assert unmerge(data, SERVERS, merged.owned, containers=merged.containers).data is None


def test_a_key_that_is_gone_is_no_obstacle_and_is_put_back_by_deploying():
    two = payload(SERVERS, {"a": {"url": "a"}, "b": {"url": "b"}})
    merged = merge(None, two)
    data = json.dumps({"mcpServers": {"b": {"url": "b"}}, "mine": 1}).encode()
    seen = inspect(data, SERVERS, merged.owned)
    assert (seen.partial, [state for _, state in seen.states]) == (True, [KeyState.MISSING, KeyState.INTACT])
    assert json.loads(unmerge(data, SERVERS, merged.owned, containers=merged.containers).data) == {"mine": 1}
    again = merge(data, two, owned=merged.owned, containers=merged.containers)
    assert json.loads(again.data)["mcpServers"] == {"b": {"url": "b"}, "a": {"url": "a"}}


@pytest.mark.parametrize("kind", MergeKind)
def test_a_file_that_is_gone(kind):
    wanted = {HOOKS: FMT, SERVERS: SERVER}[kind]
    merged = merge(None, wanted)
    seen = inspect(None, kind, merged.owned)
    assert (seen.oid, [state for _, state in seen.states]) == (None, [KeyState.MISSING])
    assert unmerge(None, kind, merged.owned, containers=merged.containers) == Merge(None, (), ())


OWN = json.dumps({"hooks": hooks("PreToolUse", "Mine", handler("own.sh"))}).encode()
HOOK_EDITS = {
    "the timeout": ('"command": "fmt.sh"', '"command": "fmt.sh", "timeout": 5'),
    "the command": ('"fmt.sh"', '"fmt.sh --fast"'),
    "the matcher": ('"matcher": "Mine"', '"matcher": "Mine|Edit"'),
}


@pytest.mark.parametrize(("old", "new"), HOOK_EDITS.values(), ids=HOOK_EDITS)
@pytest.mark.parametrize("before", [None, OWN], ids=["alone", "beside a foreign one"])
def test_an_edited_hook_is_still_ours(old, new, before):
    merged = merge(before, payload(HOOKS, hooks("PreToolUse", "Mine")))
    head, mark, tail = text(merged).rpartition(old)
    assert mark
    data = (head + new + tail).encode()
    assert [state for _, state in inspect(data, HOOKS, merged.owned).states] == [KeyState.MODIFIED]
    assert unmerge(data, HOOKS, merged.owned, containers=merged.containers).data == data
    forced = unmerge(data, HOOKS, merged.owned, containers=merged.containers, force=True)
    assert forced.data == before
    # and deploying over it, asked to, leaves one of it
    again = merge(data, payload(HOOKS, hooks("PreToolUse", "Mine")), owned=merged.owned, overwrite=True)
    assert inspect(again.data, HOOKS, again.owned).oid == payload(HOOKS, hooks("PreToolUse", "Mine")).oid
    assert text(again).count("fmt.sh") == 1


def test_a_hook_of_another_sort_is_not_mistaken_for_ours():
    merged = merge(None, FMT)
    data = json.dumps({"hooks": hooks("PreToolUse", "Edit", handler("own"))}).encode()
    assert [state for _, state in inspect(data, HOOKS, merged.owned).states] == [KeyState.MISSING]
    assert unmerge(data, HOOKS, merged.owned, containers=merged.containers, force=True).data == data


def test_two_new_hooks_in_the_place_of_one_are_nobodys():
    merged = merge(None, FMT)
    data = json.dumps({"hooks": hooks("PreToolUse", "Bash", handler("one"), handler("two"))}).encode()
    assert [state for _, state in inspect(data, HOOKS, merged.owned).states] == [KeyState.MISSING]


def test_a_hook_that_somebody_put_into_our_group_stays():
    merged = merge(None, FMT)
    content = json.loads(merged.data)
    content["hooks"]["PreToolUse"][0]["hooks"].append(handler("own"))
    done = unmerge(json.dumps(content).encode(), HOOKS, merged.owned, containers=merged.containers)
    assert json.loads(done.data) == {"hooks": hooks("PreToolUse", "Bash", handler("own"))}


def test_one_hook_twice_in_an_artifact():
    twice = payload(HOOKS, hooks("Stop", None, handler("a"), handler("a")))
    merged = merge(None, twice)
    assert merge(merged.data, twice, owned=merged.owned, containers=merged.containers) == merged
    assert unmerge(merged.data, HOOKS, merged.owned, containers=merged.containers).data is None


# Containers


def test_a_container_that_somebody_else_fills_meanwhile_stays():
    merged = merge(b"{}", SERVER)
    content = json.loads(merged.data)
    content["mcpServers"]["own"] = {"url": "x"}
    done = unmerge(json.dumps(content).encode(), SERVERS, merged.owned, containers=merged.containers)
    assert json.loads(done.data) == {"mcpServers": {"own": {"url": "x"}}}
    assert done.containers == ()


def test_a_file_made_for_us_and_emptied_by_somebody_is_theirs_from_then_on():
    first = merge(None, SERVER)
    again = merge(b"{ }", SERVER, owned=first.owned, containers=first.containers)
    assert unmerge(again.data, SERVERS, again.owned, containers=again.containers).data == b"{ }"


def test_without_their_record_containers_are_left_empty_and_not_guessed_at():
    merged = merge(b'{"a": 1}', SERVER)
    assert json.loads(unmerge(merged.data, SERVERS, merged.owned).data) == {"a": 1, "mcpServers": {}}


def test_the_first_deployment_may_go_first():
    first = merge(b"{ }", SERVER)
    second = merge(
        first.data, payload(SERVERS, {"web": {"url": "w"}}), others=first.owned, containers=first.containers
    )
    assert second.containers == (Container((), " "), Container(("mcpServers",)))
    left = unmerge(second.data, SERVERS, first.owned, others=second.owned, containers=second.containers)
    assert json.loads(left.data) == {"mcpServers": {"web": {"url": "w"}}}
    assert unmerge(left.data, SERVERS, second.owned, containers=left.containers).data == b"{ }"


# Files that cannot be merged into


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a": 1, "a": 2}', b"{ // x\n}", b"\xff", b'{"mcpServers": null}'])
def test_an_invalid_file_is_refused(data):
    owned = merge(None, SERVER).owned
    for call in (
        lambda: merge(data, SERVER, overwrite=True, force=True),
        lambda: unmerge(data, SERVERS, owned, force=True),
        lambda: inspect(data, SERVERS, owned),
    ):
        with pytest.raises(SettingsInvalid) as error:
            call()
        assert error.value.detail.startswith(".mcp.json: ")


@pytest.mark.parametrize("content", ["[]", '{"PreToolUse": {}}'])
def test_hooks_of_another_shape_are_refused(content):
    data = b'{"hooks": %s}' % content.encode()
    for call in (lambda: merge(data, FMT, overwrite=True), lambda: inspect(data, HOOKS, payload=FMT)):
        with pytest.raises(SettingsInvalid, match=r"settings\.json"):
            call()


def test_a_record_edited_by_hand_does_no_harm():
    merged = merge(None, SERVER)
    odd = tuple(replace(key, section="Nowhere", identity="nobody") for key in merged.owned)
    containers = (Container(("a", "b"), None), Container(("mcpServers", "db"), " "))
    assert json.loads(unmerge(merged.data, SERVERS, odd, containers=containers, force=True).data) == json.loads(
        merged.data
    )
