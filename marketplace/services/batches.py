"""Which sources GitHub can be asked about together, and with which token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from marketplace.models import Source
from marketplace.services.upstreams import address_of
from skillmeat_site.core.upstream_tokens import token_finder
from skillmeat_site.core.upstreams import access_policy, batch_settings
from skillmeat_site.upstream.errors import UpstreamAuth, UpstreamError
from skillmeat_site.upstream.github_batch import Asked
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.providers import ProviderChoice


@dataclass(frozen=True, slots=True)
class Groups:
    """Sources by how they are asked about: in batches with a token, not at all for its refusal, each by itself."""

    by_token: dict[str, list[Source]] = field(default_factory=dict)
    refused: list[tuple[Source, UpstreamAuth]] = field(default_factory=list)
    others: list[Source] = field(default_factory=list)


def grouped(sources: Iterable[Source]) -> Groups:
    """Sort sources, by the settings and the stored tokens alone: two statements for any number of them."""
    groups, policy = Groups(), access_policy()
    can_batch, token_for = batch_settings() is not None, token_finder()
    for source in sources:
        asks_api = can_batch and source.provider != ProviderChoice.GIT and _is_on_github(source, policy)
        try:
            token = token_for(address_of(source)) if asks_api else None
        except UpstreamAuth as error:
            groups.refused.append((source, error))
            continue
        (groups.by_token.setdefault(token, []) if token else groups.others).append(source)
    return groups


def on_github(sources: Iterable[Source]) -> list[Source]:
    """Those that are on the GitHub of the settings."""
    policy = access_policy()
    return [source for source in sources if _is_on_github(source, policy)]


def by_question(sources: Iterable[Source]) -> dict[Asked, list[Source]]:
    """Sources of one repository and ref, whatever their root folder, are one question."""
    questions: dict[Asked, list[Source]] = {}
    for source in sources:
        asked = Asked(source.owner.lower(), source.name.lower(), source.ref)
        questions.setdefault(asked, []).append(source)
    return questions


def _is_on_github(source: Source, policy: AccessPolicy) -> bool:
    try:
        return policy.is_github(address_of(source))
    except UpstreamError:
        return False  # its own scan says what is wrong with it
