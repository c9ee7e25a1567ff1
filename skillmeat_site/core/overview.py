"""The panels of the admin's first page. The core knows no domain: an app declares its own in ``admin/dashboard.py``.

A panel reads through querysets and services, in a number of statements that does not depend on the rows, and counts
only what the lists show that it links to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import HttpRequest

from skillmeat_site.core.advice import Advice, Urgency, most_worth

if TYPE_CHECKING:
    from skillmeat_site.core.admin.display import Text, Tone


class Link(NamedTuple):
    url: str
    text: Text


class Figure(NamedTuple):
    """How many, in a word, and the list that shows exactly these; without ``url`` there is no such list."""

    label: Text
    rows: int
    url: str = ""
    tone: Tone | str = ""


class Suggestion(NamedTuple):
    """An advice in words: what is so, why it matters, and the button that leads to where it is done.

    ``needs``: the permissions of who can do it there. To nobody else it is said.
    """

    advice: Advice
    title: Text
    why: Text
    button: Link
    needs: Sequence[str]


class Step(NamedTuple):
    """One of the steps of a beginning. ``is_next``: the first that is not done; set for the page."""

    title: Text
    why: Text
    button: Link | None
    done: bool
    is_next: bool = False


class Share(NamedTuple):
    """A part of the bar: where it begins and how long it is, in rows."""

    start: int
    rows: int
    tone: Tone | str


@dataclass(frozen=True, slots=True)
class Panel:
    """What one card says. ``lead``: the figures whose shares are drawn as a bar; ``note``: a line below, such as how
    old the figures are. ``empty``: said instead of a ``lead`` of zeros. ``context``: for a template of its own.
    """

    title: Text
    lead: Sequence[Figure] = ()
    more: Sequence[Figure] = ()
    note: str = ""
    link: Link | None = None
    empty: str = ""
    suggestions: Sequence[Suggestion] = ()
    steps: Sequence[Step] = ()
    template: str = "admin/skillmeat/panel.html"
    context: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = False
    """Changes by itself: the page asks for it again every few seconds."""

    @property
    def figures(self) -> list[Figure]:
        """Those of ``lead`` that are not zero."""
        return [one for one in self.lead if one.rows]

    @property
    def total(self) -> int:
        return sum(one.rows for one in self.lead)

    @property
    def says_nothing(self) -> bool:
        return not (self.total or self.more or self.context)

    @property
    def shares(self) -> list[Share]:
        starts = accumulate((one.rows for one in self.figures), initial=0)
        return [Share(start, one.rows, one.tone) for start, one in zip(starts, self.figures, strict=False)]


PanelFunction = Callable[[HttpRequest], Panel | None]


@dataclass(frozen=True, slots=True)
class Declared:
    slug: str
    permission: str
    order: int
    wide: bool
    read: PanelFunction

    def may_see(self, request: HttpRequest) -> bool:
        return not self.permission or request.user.has_perm(self.permission)


_declared: dict[str, Declared] = {}


def panel(slug: str, *, permission: str, order: int, wide: bool = False) -> Callable[[PanelFunction], PanelFunction]:
    """Declare a panel for those who have the permission. Lower ``order`` stands first. None of it: nothing to say."""

    def declare(read: PanelFunction) -> PanelFunction:
        if slug in _declared:
            raise TypeError(f"panel {slug!r} is declared twice")
        _declared[slug] = Declared(slug, permission, order, wide, read)
        return read

    return declare


class Shown(NamedTuple):
    """A panel on the page."""

    slug: str
    wide: bool
    panel: Panel


@dataclass(frozen=True, slots=True)
class Overview:
    panels: Sequence[Shown]

    @property
    def shown(self) -> list[Shown]:
        """At the beginning only what there is something in: the steps say what is missing."""
        bare = bool(self.open_steps)
        return [one for one in self.panels if not (bare and one.panel.says_nothing)]

    @property
    def suggestions(self) -> list[Suggestion]:
        """The few most worth doing; what the steps say already is not said twice."""
        said = Urgency.BEGINNING if self.open_steps else None
        found = (one for shown in self.panels for one in shown.panel.suggestions)
        return most_worth(one for one in found if one.advice.urgency is not said)

    @property
    def open_steps(self) -> list[Step]:
        """The path of a beginning; none once it was walked to its end."""
        steps = [step for shown in self.panels for step in shown.panel.steps]
        following = next((place for place, step in enumerate(steps) if not step.done), None)
        if following is None:
            return []
        return [step._replace(is_next=place == following) for place, step in enumerate(steps)]

    @property
    def is_active(self) -> bool:
        return any(shown.panel.is_active for shown in self.panels)


def read(request: HttpRequest, only: str = "") -> Overview:
    """All panels that the user may see, or the one of this slug."""
    wanted = sorted(
        (one for one in _declared.values() if only in ("", one.slug) and one.may_see(request)),
        key=lambda one: one.order,
    )
    found = ((one, one.read(request)) for one in wanted)
    return Overview([Shown(one.slug, one.wide, _for(request, made)) for one, made in found if made is not None])


def _for(request: HttpRequest, made: Panel) -> Panel:
    doable = [one for one in made.suggestions if request.user.has_perms(one.needs)]
    return replace(made, suggestions=doable)
