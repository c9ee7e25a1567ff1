"""Our queries, and the slice of GitHub's schema that they are tested with every day, against the whole of it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, is_scalar_type, parse, validate

from skillmeat_site.upstream.github_query import Asked, query_of
from tests.fakes import github_graphql
from tests.peers.running import installed

pytestmark = pytest.mark.peer

REFS = ("", "main", "v1", "refs/heads/main", "refs/tags/v1", "0" * 40)


@cache
def published() -> GraphQLSchema:
    text = (installed("@octokit/graphql-schema") / "schema.graphql").read_text()
    # It has two fields twice, which is none of our business.
    return build_schema(text, assume_valid=True, assume_valid_sdl=True)


@pytest.mark.parametrize("refs", [*((ref,) for ref in REFS), REFS], ids=repr)
def test_every_query_is_valid(refs: tuple[str, ...]) -> None:
    text, variables = query_of([Asked("acme", f"r{number}", refs[number % len(refs)]) for number in range(100)])
    assert validate(published(), parse(text)) == []
    assert {f"${name}" for name in variables} == set(re.findall(r"\$\w+(?=: String!)", text))


def test_it_objects_to_what_it_does_not_know() -> None:
    text, _ = query_of([Asked("acme", "tools")])
    assert validate(published(), parse(text.replace("isArchived", "isStuffed")))


def test_our_slice_is_a_part_of_it() -> None:
    for name, ours in github_graphql.schema().type_map.items():
        theirs = published().type_map[name]
        assert type(ours) is type(theirs)
        for field, told in getattr(ours, "fields", {}).items() if not is_scalar_type(ours) else ():
            if not name.startswith("__"):
                assert shape(told) == shape(theirs.fields[field]), f"{name}.{field}"
        interfaces = {one.name for one in getattr(ours, "interfaces", ())}
        assert interfaces <= {one.name for one in getattr(theirs, "interfaces", ())}


def shape(field: Any) -> tuple[str, dict[str, tuple[str, Any]]]:
    return str(field.type), {name: (str(one.type), one.default_value) for name, one in field.args.items()}
