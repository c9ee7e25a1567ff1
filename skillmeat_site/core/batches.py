"""Which repositories GitHub can be asked about together, and with which token."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from skillmeat_site.core.upstream_tokens import token_finder
from skillmeat_site.core.upstreams import access_policy, batch_settings
from skillmeat_site.upstream.errors import UpstreamAuth, UpstreamError
from skillmeat_site.upstream.github_batch import Asked
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import RepositoryAddress

_Item = TypeVar("_Item")
AddressOf = Callable[[_Item], RepositoryAddress]
"""May raise UpstreamError: then the item is asked about by itself, and says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Groups(Generic[_Item]):
    """Things by how they are asked about: in batches with a token, not at all for its refusal, each by itself."""

    by_token: dict[str, list[_Item]] = field(default_factory=dict)
    refused: list[tuple[_Item, UpstreamAuth]] = field(default_factory=list)
    others: list[_Item] = field(default_factory=list)


def group(
    items: Iterable[_Item], address_of: AddressOf[_Item], *, alone: Callable[[_Item], bool] = lambda _: False
) -> Groups[_Item]:
    """Sort what is at these addresses, by the settings and the stored tokens: two statements for any number.

    ``alone``: what is not to be asked of GitHub's API.
    """
    groups: Groups[_Item] = Groups()
    policy = access_policy()
    can_batch, token_for = batch_settings() is not None, token_finder()
    for item in items:
        asks_api = can_batch and not alone(item) and is_on_github(item, address_of, policy)
        try:
            token = token_for(address_of(item)) if asks_api else None
        except UpstreamAuth as error:
            groups.refused.append((item, error))
            continue
        (groups.by_token.setdefault(token, []) if token else groups.others).append(item)
    return groups


def by_question(items: Iterable[_Item], address_of: AddressOf[_Item]) -> dict[Asked, list[_Item]]:
    """What is about one repository and ref is one question."""
    questions: dict[Asked, list[_Item]] = {}
    for item in items:
        address = address_of(item)
        questions.setdefault(Asked(address.owner.lower(), address.name.lower(), address.ref), []).append(item)
    return questions


def is_on_github(item: _Item, address_of: AddressOf[_Item], policy: AccessPolicy) -> bool:
    """Whether it is on the GitHub of the settings; of what has no good address, no."""
    try:
        return policy.is_github(address_of(item))
    except UpstreamError:
        return False
