"""Who is told of artifacts that come into the index, without collections knowing them. A declared step, no signal.

The marketplace stands on collections, not the other way round; and yet an artifact that comes back has to be the
import again that it was, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

Follower = Callable[[Sequence[UUID]], object]
_followers: list[Follower] = []


def follows_index(follower: Follower) -> Follower:
    """Declare a function that gets the ids of artifacts which the files have and the index had not.

    It is called inside the transaction that inserts their rows; what it raises undoes that.
    """
    if follower not in _followers:
        _followers.append(follower)
    return follower


def tell_followers(ids: Sequence[UUID]) -> None:
    for follower in _followers:
        follower(ids)
