"""What a batch said of a repository, on its way to the scan of its source: that may be another process's job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from skillmeat_site.upstream.github_batch import RepositoryNow
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import CommitOid, Head, RepositoryFacts

FRESH = timedelta(minutes=10)
"""Later than that (a full queue, a job that is tried again) the scan asks for itself."""


def to_params(told: RepositoryNow) -> dict[str, Any] | None:
    """As JSON, for the params of a job; None where it does not tell the commit."""
    if told.head is None:
        return None
    return {
        "at": timezone.now().isoformat(),
        "commit": told.head.commit,
        "ref": told.head.ref,
        "tree": told.tree_oid,
        "facts": {**asdict(told.facts), "topics": list(told.facts.topics)},
    }


def from_params(params: Mapping[str, Any] | None) -> RepositoryNow | None:
    """Back again; None where there is nothing, or it is no longer fresh."""
    if params is None or timezone.now() - datetime.fromisoformat(params["at"]) > FRESH:
        return None
    commit = params["commit"]
    if commit is not None and not is_oid(commit):
        return None
    facts = RepositoryFacts(**{**params["facts"], "topics": tuple(params["facts"]["topics"])})
    return RepositoryNow(facts, Head(CommitOid(commit) if commit else None, params["ref"]), params["tree"])
