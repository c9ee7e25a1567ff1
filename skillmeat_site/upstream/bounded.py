"""Several things at once, and an end to all of them: for calls that know no deadline, such as a look-up of a name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.errors import UpstreamTimeout

_Result = TypeVar("_Result")


def all_within(seconds: float, actions: Sequence[Callable[[], _Result]]) -> list[_Result | DomainError]:
    """Do them all at once; each one's result, in their order, or the error that it raised.

    Returns after so many seconds at the latest: what has not ended by then counts as UpstreamTimeout, and is left
    behind in a daemon thread. Raises what is no DomainError: that is a bug of the action.
    """
    outcomes: list[_Result | BaseException] = [UpstreamTimeout() for _ in actions]

    def run(index: int, action: Callable[[], _Result]) -> None:
        try:
            outcome: _Result | BaseException = action()
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            outcome = error
        outcomes[index] = outcome

    end = time.monotonic() + seconds
    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [_expected(outcome) for outcome in list(outcomes)]


def _expected(outcome: _Result | BaseException) -> _Result | DomainError:
    if isinstance(outcome, BaseException) and not isinstance(outcome, DomainError):
        raise outcome
    return outcome
