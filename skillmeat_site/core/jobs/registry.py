"""Which jobs exist. An app declares its own in its ``jobs.py`` with the ``job`` decorator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skillmeat_site.core.errors import DomainError, JobActive, NotFound
from skillmeat_site.core.results import ObjectRef

Params = Mapping[str, Any]
_registry: dict[str, JobDefinition] = {}


def _never(params: Params) -> None:
    return None


def _one(params: Params) -> int:
    return 1


def _same(params: Params) -> dict[str, Any]:
    return dict(params)


def _equal(running: Params, wanted: Params) -> bool:
    return running == wanted


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """How one kind of work runs as a job.

    ``function(ctx, **params)`` does it; ``params`` are JSON values. ``label`` is a text, in which ``{target}`` stands
    for the object's name, or makes one of the params. ``timeout`` in seconds. ``dedupe`` names the one
    active job there may be; a second request ``joins`` it if that does all that was wanted, else ``busy`` is raised.
    ``size``: how many objects the params name. ``target``: the one object of a job that is not a bulk job.
    ``retry(params, ids)``: the params of a job that takes up only these objects; None: the same params again.
    ``anew(params)``: those without what held for the first time only, where a person has it done again.
    ``permission``: what a user needs for it, ``app.codename``, on every face; empty: it is nobody's but the server's.
    """

    kind: str
    function: Callable[..., Any]
    label: Callable[[Params], str] | str
    queue: str = "default"
    timeout: int = 600
    max_attempts: int = 2
    dedupe: Callable[[Params], str | None] = _never
    joins: Callable[[Params, Params], bool] = _equal
    busy: type[DomainError] = JobActive
    size: Callable[[Params], int] = _one
    target: Callable[[Params], ObjectRef] | None = None
    retry: Callable[[Params, Sequence[str]], dict[str, Any]] | None = None
    anew: Callable[[Params], dict[str, Any]] = _same
    permission: Callable[[Params], str] | str = ""

    def name(self, params: Params, target: ObjectRef | None) -> str:
        """What people read of a job with these params."""
        if callable(self.label):
            return self.label(params)
        return self.label.replace("{target}", target.label or target.id if target else "")

    def needs(self, params: Params) -> str:
        """The permission for a job with these params."""
        return self.permission(params) if callable(self.permission) else self.permission


def job(
    kind: str, *, label: Callable[[Params], str] | str, **options: Any
) -> Callable[[Callable[..., Any]], JobDefinition]:
    """Declare a job: the decorated function becomes its definition, and is found by ``kind`` from then on."""

    def declare(function: Callable[..., Any]) -> JobDefinition:
        definition = JobDefinition(kind=kind, function=function, label=label, **options)
        if kind in _registry:
            raise TypeError(f"job {kind!r} is declared twice")
        _registry[kind] = definition
        return definition

    return declare


def get(kind: str) -> JobDefinition:
    """The definition of a kind. Rows outlive the code: one that is no longer known fails, whatever is done with it."""
    return _registry.get(kind) or JobDefinition(kind=kind, function=_unknown, label=kind, max_attempts=1)


def _unknown(ctx: Any, **params: Any) -> None:
    raise NotFound("This version has no job of this kind.")


def definitions() -> list[JobDefinition]:
    return [_registry[kind] for kind in sorted(_registry)]
