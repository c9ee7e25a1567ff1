"""Asking GitHub about many repositories at once, by its GraphQL API: head, tree, topics, name and state of each.

One query of up to 100 repositories costs one point of 5,000 an hour. What bounds its size is the ten seconds that
GitHub works on it: a query that takes too long is cut in half, and the size is remembered and grows back slowly.
A token is needed: GraphQL knows no anonymous callers.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from skillmeat_site.core.errors import DomainError, LimitExceeded
from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.errors import UpstreamError, UpstreamInvalid, UpstreamTimeout
from skillmeat_site.upstream.github_bodies import json_object
from skillmeat_site.upstream.github_errors import Answer, Refused, Transient, meaning
from skillmeat_site.upstream.github_http import GitHubSession
from skillmeat_site.upstream.github_query import Asked, RepositoryNow, answers_of, is_limit, query_of
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.types import Tick, no_tick

__all__ = ["FIRST_SIZE", "MAX_SIZE", "Asked", "Batch", "GitHubBatch", "RepositoryNow", "next_size", "queries_for"]

FIRST_SIZE, MAX_SIZE = 50, 100
_GROWTH, _CAREFUL_GROWTH = 10, 2
_MAX_BYTES = 8 * 1024 * 1024
_GIVE_UP = 2
"""Repositories in a row that cannot be asked about even alone: then it is not them."""


class _TooMuch(Exception):
    """Internal: the host did not manage this query in time."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Batch:
    """One query's answers, each beside what was asked; ``cost`` in points."""

    answers: Sequence[tuple[Asked, RepositoryNow | DomainError]]
    cost: int


class GitHubBatch:
    """Asks about any number of repositories, one query after the other. Remembers the size that went well."""

    def __init__(self, settings: GitHubSettings, token: str) -> None:
        """``settings.graphql_url`` has to be set."""
        self._settings = replace(settings, api_url=settings.graphql_url)
        self._token = token
        self.size = FIRST_SIZE
        self._growth = _GROWTH
        self._failed_alone = 0

    def ask(self, asked: Sequence[Asked], *, tick: Tick = no_tick) -> Iterator[Batch]:
        """Yield what each query told, as soon as it has: every repository is in exactly one batch.

        What is wrong with one repository is its answer: UpstreamNotFound, UpstreamForbidden, UpstreamInvalid; or,
        where the host fails even for it alone, UpstreamTimeout or UpstreamUnreachable. Raises UpstreamRateLimited,
        UpstreamAuth and any UpstreamError that is about all of them; what was yielded before stands.
        """
        waiting = deque(asked)
        while waiting:
            chunk = [waiting.popleft() for _ in range(min(self.size, len(waiting)))]
            try:
                batch = self._ask_once(chunk, tick)
            except _TooMuch as failure:
                if len(chunk) > 1:
                    waiting.extendleft(reversed(chunk))
                    self._shrink(len(chunk))
                    continue
                self._failed_alone += 1
                if self._failed_alone >= _GIVE_UP:
                    raise failure.error from None
                batch = Batch([(chunk[0], failure.error)], 0)
            else:
                self._failed_alone = 0
                self.size = next_size(self.size, growth=self._growth)
            yield batch

    def _shrink(self, size: int) -> None:
        self.size, self._growth = max(1, size // 2), _CAREFUL_GROWTH

    def _ask_once(self, chunk: Sequence[Asked], tick: Tick) -> Batch:
        settings = self._settings
        text, variables = query_of(chunk)
        body = json.dumps({"query": text, "variables": variables}).encode()
        seconds = settings.timeout
        with GitHubSession(settings, self._token, seconds=seconds, tick=tick, resource=Resource.GRAPHQL) as session:
            answer = self._post(session, body)
            document = self._document(session, answer)
        try:
            answers = answers_of(document, chunk)
        except UpstreamInvalid as error:
            # No data at all: the query was given up as a whole, whatever words are used for it.
            raise _TooMuch(error) from None
        return Batch(list(zip(chunk, answers, strict=True)), _cost(document))

    def _post(self, session: GitHubSession, body: bytes) -> Answer:
        try:
            return session.post(body, _MAX_BYTES)
        except Transient as failure:
            raise _TooMuch(failure.error) from None
        except (UpstreamTimeout, LimitExceeded) as error:
            raise _TooMuch(error) from None
        except Refused as refused:
            raise _refusal(refused.answer) from None

    def _document(self, session: GitHubSession, answer: Answer) -> Mapping[str, Any]:
        # Who says when to come back, and nothing of what was asked, was not asked for too much.
        told_to_wait = "retry-after" in answer.headers
        try:
            document = json_object(answer.body)
        except UpstreamInvalid as error:
            if told_to_wait:
                raise session.keep_limit(answer.headers) from None
            raise _TooMuch(error) from None
        if is_limit(document) or (told_to_wait and not isinstance(document.get("data"), dict)):
            raise session.keep_limit(answer.headers)
        session.keep_quota(answer.headers)
        return document


def next_size(size: int, *, growth: int = _GROWTH) -> int:
    """How many repositories the query after one of this size may ask about."""
    return min(MAX_SIZE, size + growth)


def queries_for(count: int) -> int:
    """How many queries so many repositories take where none of them is too much for the host."""
    queries, size = 0, FIRST_SIZE
    while count > 0:
        queries, count, size = queries + 1, count - size, next_size(size)
    return queries


def _refusal(answer: Answer) -> DomainError:
    """A status that is about the query is never about one repository: 404 means that nobody answers queries there."""
    error = meaning(answer, had_token=True)
    if answer.status in (404, 410) or not isinstance(error, UpstreamError):
        return UpstreamInvalid("what answers at SKILLMEAT_GITHUB_GRAPHQL_URL is not GitHub's GraphQL API")
    return error


def _cost(document: Mapping[str, Any]) -> int:
    data = document.get("data")
    limit = data.get("rateLimit") if isinstance(data, dict) else None
    cost = limit.get("cost") if isinstance(limit, dict) else None
    return cost if type(cost) is int and 0 <= cost < 10_000 else 1
