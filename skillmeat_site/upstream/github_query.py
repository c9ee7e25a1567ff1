"""The text of a GraphQL query about many repositories, and what its answer says of each of them.

Owner, name and ref travel as variables: nothing that a person typed becomes part of the text. Answers are matched by
alias, never by name, because a renamed repository comes back under another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.errors import UpstreamError, UpstreamInvalid, UpstreamNotFound
from skillmeat_site.upstream.github_bodies import facts_of, storable
from skillmeat_site.upstream.github_errors import LIMIT_WORDS, UpstreamForbidden
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import CommitOid, Head, RepositoryFacts

_LIMIT_TYPES = ("RATE_LIMITED", "RATE_LIMIT")
_FRAGMENTS = """
fragment Facts on Repository {
  databaseId nameWithOwner description isArchived isDisabled isEmpty
  licenseInfo { spdxId }
  repositoryTopics(first: 20) { nodes { topic { name } } }
  latestRelease { tagName }
}
fragment Target on Ref {
  target { oid ... on Commit { tree { oid } } ... on Tag { target { oid ... on Commit { tree { oid } } } } }
}
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One repository of a batch. ``ref`` as in an address: empty for the default branch."""

    owner: str
    name: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class RepositoryNow:
    """What a batch tells of one repository.

    ``facts.moved_to`` is its name where it is no longer the one asked for. ``head`` is None where the ref is none of
    its branches and tags, or a tag that leads to no commit in one step: whoever asks for it alone learns why.
    ``tree_oid`` is empty where ``head`` has no commit, or is one that was given as an id.
    """

    facts: RepositoryFacts
    head: Head | None
    tree_oid: str = ""


def query_of(asked: Sequence[Asked]) -> tuple[str, dict[str, str]]:
    """Return the query's text and its variables. Aliases are ``r0``, ``r1``... in the order asked."""
    declared: list[str] = []
    parts: list[str] = []
    variables: dict[str, str] = {}
    for index, one in enumerate(asked):
        names = {f"o{index}": one.owner, f"n{index}": one.name}
        refs = "defaultBranchRef { name ...Target }"
        branch, tag = _full_names(one.ref)
        if branch:
            names[f"b{index}"] = branch
            refs = f"defaultBranchRef {{ name }} branch: ref(qualifiedName: $b{index}) {{ ...Target }}"
        if tag:
            names[f"t{index}"] = tag
            refs += f" tag: ref(qualifiedName: $t{index}) {{ ...Target }}"
        declared += [f"${name}: String!" for name in names]
        parts.append(
            f"r{index}: repository(owner: $o{index}, name: $n{index}, followRenames: true) {{ ...Facts {refs} }}"
        )
        variables |= names
    body = "\n  ".join([*parts, "rateLimit { cost limit remaining resetAt }"])
    return f"query({', '.join(declared)}) {{\n  {body}\n}}\n{_FRAGMENTS}", variables


def answers_of(document: Mapping[str, Any], asked: Sequence[Asked]) -> list[RepositoryNow | DomainError]:
    """Return what an answer says of each repository, in the order asked.

    Raises UpstreamInvalid where it has no data at all, or another shape than promised.
    """
    data = document.get("data")
    if not isinstance(data, dict):
        raise UpstreamInvalid("the answer holds no data")
    errors = _errors_by_alias(document)
    answers: list[RepositoryNow | DomainError] = []
    for index, one in enumerate(asked):
        alias = f"r{index}"
        found = data.get(alias)
        if isinstance(found, dict):
            answers.append(_read(found, one))
        else:
            answers.append(errors.get(alias) or UpstreamInvalid("the answer leaves the repository out"))
    return answers


def is_limit(document: Mapping[str, Any]) -> bool:
    """Tell whether an answer refuses because of a limit: by a type that is known, or in words that are.

    GitHub's limit on pace comes without a type, as an error or in place of an answer.
    """
    errors = [*_errors(document), document]
    if any(error.get("type") in _LIMIT_TYPES for error in errors):
        return True
    said = [str(error.get("message") or "").lower() for error in errors]
    return any(word in message for message in said for word in LIMIT_WORDS)


def _errors(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    errors = document.get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _errors_by_alias(document: Mapping[str, Any]) -> dict[str, UpstreamError]:
    found: dict[str, UpstreamError] = {}
    for error in _errors(document):
        path = error.get("path")
        if isinstance(path, list) and path:
            found.setdefault(str(path[0]), _meaning(str(error.get("type") or "")))
    return found


def _meaning(kind: str) -> UpstreamError:
    if kind == "NOT_FOUND":
        return UpstreamNotFound("there is no such repository, or the token may not see it")
    if kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
        return UpstreamForbidden()
    return UpstreamInvalid("the host gave an error instead of the repository")


def _read(found: Mapping[str, Any], asked: Asked) -> RepositoryNow | DomainError:
    try:
        facts = _facts(found, asked)
        head, tree = _head(found, asked, facts.default_branch)
    except UpstreamInvalid as error:
        return error
    return RepositoryNow(facts, head, tree)


def _facts(found: Mapping[str, Any], asked: Asked) -> RepositoryFacts:
    nodes = _object(found.get("repositoryTopics")).get("nodes")
    if not isinstance(nodes, list) or None in nodes:  # a field's own error leaves null: that is not "no topics"
        raise UpstreamInvalid("the answer leaves topics of the repository out")
    facts = facts_of(
        {
            "id": found.get("databaseId"),
            "full_name": found.get("nameWithOwner"),
            "description": found.get("description"),
            "license": {"spdx_id": _object(found.get("licenseInfo")).get("spdxId")},
            "archived": found.get("isArchived"),
            "disabled": found.get("isDisabled"),
            "topics": [_object(_object(node).get("topic")).get("name") for node in nodes],
            "default_branch": _object(found.get("defaultBranchRef")).get("name"),
        }
    )
    moved = facts.full_name.lower() != f"{asked.owner}/{asked.name}".lower()
    release = storable(_object(found.get("latestRelease")).get("tagName"))
    return replace(facts, moved_to=facts.full_name if moved else "", latest_release=release)


def _head(found: Mapping[str, Any], asked: Asked, default_branch: str) -> tuple[Head | None, str]:
    if is_oid(asked.ref):
        return Head(CommitOid(asked.ref), asked.ref), ""
    if found.get("isEmpty") is True:
        return Head(None, asked.ref), ""
    if asked.ref:
        candidates = dict(zip(_full_names(asked.ref), ("branch", "tag"), strict=True))
    else:
        candidates = {f"refs/heads/{default_branch}": "defaultBranchRef"}
    for full_name, alias in candidates.items():
        ref = _object(found.get(alias))
        if ref:
            commit, tree = _commit(_object(ref.get("target")))
            return (Head(CommitOid(commit), full_name), tree) if commit else (None, "")
    return None, ""


def _commit(target: Mapping[str, Any]) -> tuple[str, str]:
    """Return commit and tree of what a ref points to, or of what the tag there points to."""
    for thing in (target, _object(target.get("target"))):
        oid, tree = thing.get("oid"), _object(thing.get("tree")).get("oid")
        if isinstance(oid, str) and is_oid(oid) and isinstance(tree, str) and is_oid(tree):
            return oid, tree
    return "", ""


def _full_names(ref: str) -> tuple[str, str]:
    """Return what a ref may mean as a branch and as a tag, in the order in which they count; empty: not asked."""
    if not ref or is_oid(ref):
        return "", ""
    return (ref, "") if ref.startswith("refs/") else (f"refs/heads/{ref}", f"refs/tags/{ref}")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
