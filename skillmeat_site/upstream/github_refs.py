"""What a ref means, asked of GitHub so that it means the same as to git.

GitHub's own reading of a name is wider: it would also take ``heads/main``, the beginning of a commit id, or either of
a branch and a tag of one name. So branches and tags are asked for in full, a branch first.
"""

from __future__ import annotations

from skillmeat_site.upstream.errors import UpstreamInvalid, UpstreamRefNotFound
from skillmeat_site.upstream.github_errors import Refused
from skillmeat_site.upstream.github_repository import GitHubRepository
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import CommitOid, Head


def resolve_ref(repository: GitHubRepository, ref: str, known: str) -> Head:
    """Return the commit of a ref (empty = HEAD): one request for the default branch and a branch, two for a tag.

    A tag named as ``refs/tags/...`` takes one as well. Raises UpstreamRefNotFound where the ref is missing in a
    repository that exists: asking whether it does takes one more.
    """
    exists = False
    for name in _meanings(ref):
        try:
            commit = repository.commit_of(_spelled(name), known if is_oid(known) else "")
        except Refused as refused:
            if is_empty(refused):
                return Head(None, ref, repository.moved_to())
            # 422 is about the ref; 404 may be about the repository.
            if refused.answer.status == 404 and not exists:
                repository.check_exists()
            exists = True
        else:
            return Head(CommitOid(commit), name, repository.moved_to())
    if not ref:
        raise UpstreamRefNotFound("the default branch of the repository does not exist; give a ref")
    raise UpstreamRefNotFound(
        "the repository has no such branch or tag; a commit is named by all of its 40 hex digits"
    )


def tree_of(repository: GitHubRepository, commit: str) -> str:
    """Return the tree of a commit. Raises UpstreamRefNotFound where the repository exists without it."""
    try:
        return repository.tree_of(commit)
    except Refused as refused:
        if refused.answer.status == 404:
            repository.check_exists()
        raise UpstreamRefNotFound("the repository no longer has the commit: the ref has moved on") from None


def is_empty(refused: Refused) -> bool:
    """Tell whether the repository has no commit yet. Raises UpstreamInvalid for another conflict."""
    if refused.answer.status != 409:
        return False
    if not refused.answer.says("empty"):
        raise UpstreamInvalid("the host answered with status 409")
    return True


def _meanings(ref: str) -> list[str]:
    if not ref:
        return ["HEAD"]
    return [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]


def _spelled(name: str) -> str:
    """Spell a full name the way the endpoint documents it: ``heads/...`` and ``tags/...``."""
    return name.removeprefix("refs/") if name.startswith(("refs/heads/", "refs/tags/")) else name
