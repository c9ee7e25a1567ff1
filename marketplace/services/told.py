"""What a batch said of a repository, on its way to the scan of its source: that may be another process's job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from marketplace.models import Source
from skillmeat_site.upstream.github_batch import RepositoryNow
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import CommitOid, Head, RepositoryFacts

FRESH = timedelta(minutes=10)
"""Later than that (a full queue, a job that is tried again) the scan asks for itself."""


@dataclass(frozen=True, slots=True)
class Told:
    """``now``: what was said. ``asked_for``: the state of the source that the question was about."""

    now: RepositoryNow
    asked_for: Mapping[str, Any] | None

    def of(self, source: Source) -> RepositoryNow | None:
        """What was said, if it still is about this source.

        None where that has another address by now, or was scanned: another scan may have seen a later commit.
        """
        return self.now if self.asked_for == _state(source) else None


def _state(source: Source) -> dict[str, Any]:
    """Not ``updated_at``: an approved tag or another interval is no reason to ask again."""
    scanned_at = source.last_scanned_at
    return {"url": source.url_key, "ref": source.ref, "scanned_at": scanned_at.isoformat() if scanned_at else None}


def to_params(told: RepositoryNow, source: Source) -> dict[str, Any] | None:
    """As JSON, for the params of a job about the source as it is here; None where it does not tell the commit."""
    if told.head is None:
        return None
    return {
        "at": timezone.now().isoformat(),
        "asked_for": _state(source),
        "commit": told.head.commit,
        "ref": told.head.ref,
        "tree": told.tree_oid,
        "facts": {**asdict(told.facts), "topics": list(told.facts.topics)},
    }


def from_params(params: Mapping[str, Any] | None) -> Told | None:
    """Back again; None where there is nothing, or it is no longer fresh."""
    if params is None or timezone.now() - datetime.fromisoformat(params["at"]) > FRESH:
        return None
    commit = params["commit"]
    if commit is not None and not is_oid(commit):
        return None
    facts = RepositoryFacts(**{**params["facts"], "topics": tuple(params["facts"]["topics"])})
    head = Head(CommitOid(commit) if commit else None, params["ref"])
    return Told(RepositoryNow(facts, head, params["tree"]), params.get("asked_for"))
