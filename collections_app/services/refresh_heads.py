"""What the refs of many repositories point to: with a token one question to GitHub for up to a hundred of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import structlog

from collections_app.domain.refresh_plan import Repo
from skillmeat_site.core.batches import by_question, group
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.upstreams import access_policy, batch_settings
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import UpstreamAuth, UpstreamError, UpstreamNotFound, UpstreamRateLimited
from skillmeat_site.upstream.github_batch import Asked, GitHubBatch, RepositoryNow
from skillmeat_site.upstream.github_errors import UpstreamForbidden
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import Head, RepositoryAddress

log = structlog.get_logger(__name__)


class Tip(NamedTuple):
    """What a ref points to. ``license`` is the repository's where it is known already, None where nobody has asked."""

    head: Head
    license: str | None = None


Tips = dict[Repo, Tip | DomainError]


def address_of(repo: Repo) -> RepositoryAddress:
    """Raises UpstreamError: an address that no repository has, or that is not allowed."""
    return parse_url(repo.url, access_policy(), ref=repo.ref)


def ask_together(repos: Iterable[Repo], report: Report) -> Tips:
    """Ask about all that are on GitHub and read with a token; a repository that is in no answer is to be asked alone.

    A single one is not asked about here: asked alone it costs no quota while nothing has changed. What is wrong with
    one is its answer; a used-up limit or a refused token is that of all who share the token, and asks no more. Raises
    what the report's tick raises.
    """
    groups = group(repos, address_of, alone=lambda repo: is_oid(repo.ref))  # a commit is its own answer
    tips: Tips = {}
    for token, members in groups.by_token.items():
        questions = by_question(members, address_of)
        if len(questions) > 1:
            tips |= _ask(token, questions, report)
    return tips


def _ask(token: str, waiting: dict[Asked, list[Repo]], report: Report) -> Tips:
    settings = batch_settings(background=False)
    if settings is None:
        return {}
    tips: Tips = {}
    try:
        for batch in GitHubBatch(settings, token).ask(list(waiting), tick=report.tick):
            for asked, answer in batch.answers:
                members, tip = waiting.pop(asked), _tip(answer)
                if tip is not None:
                    tips |= dict.fromkeys(members, tip)
    except (UpstreamRateLimited, UpstreamAuth) as error:
        tips |= {repo: error for members in waiting.values() for repo in members}
    except UpstreamError as error:
        log.warning("refresh.no_batches", code=error.code, detail=error.detail)
    return tips


def _tip(answer: RepositoryNow | DomainError) -> Tip | DomainError | None:
    """None: only who asks for this one alone learns what it is."""
    if isinstance(answer, RepositoryNow):
        if answer.head is None:
            return None
        return Tip(replace(answer.head, moved_to=answer.facts.moved_to), answer.facts.license)
    return answer if isinstance(answer, UpstreamNotFound | UpstreamForbidden) else None
