"""What a confirmation page shows, put into plain values: the template only lays them out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.actions import BulkAction, Options, finished_plan, plan_job, token_of
from skillmeat_site.core.admin.badges import JOB_STATUS, Words, word_badge
from skillmeat_site.core.admin.display import Text, Tone, ago, paragraphs, shortened
from skillmeat_site.core.admin.job_page import progress_bar
from skillmeat_site.core.admin.objects import names_of, object_urls
from skillmeat_site.core.admin.previews import Planned, Preview
from skillmeat_site.core.admin.sight import hidden_types
from skillmeat_site.core.admin.telling import tell_once
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.jobs import queue
from skillmeat_site.core.models import Job, Selection
from skillmeat_site.core.results import JobStatus
from skillmeat_site.core.text import printable

ROWS_PER_PAGE = 50
OPTIONS = "options"
"""In the query: the options form is filled in, be it with nothing but unticked boxes."""
KEPT = "kept"
"""... by what the session keeps."""
LONGEST = 1500
"""Characters of options in an address. Gunicorn takes 4094 for all of it; confirm.js knows this number too."""
NO_PLAN = "-"
"""Stands for a page that could not show a plan yet."""
GONE, BLOCKED = "gone", "blocked"
STANDING: Words = {
    GONE: (_("are gone: deleted after they were selected, they will fail as not_found"), Tone.BAD),
    BLOCKED: (_("are blocked by permission: you may not see them any more, they are left out"), Tone.WARNING),
}


class Frozen(NamedTuple):
    """What was selected, in order, by how it stands now: there to be seen, gone, or hidden from this user."""

    visible: list[Any]
    gone: list[Any]
    blocked: list[Any]

    def acted_on(self, ids: Sequence[Any]) -> list[Any]:
        """What the action gets: gone ones too, so that its result tells of them; never those that are hidden."""
        hidden = set(self.blocked)
        return [pk for pk in ids if pk not in hidden] if hidden else list(ids)


class Fate(NamedTuple):
    """One line of the counts, and one filter of the rows below."""

    name: str
    text: Text
    tone: str
    size: int


class ShownRow(NamedTuple):
    label: str
    url: str
    fate: str
    code: str
    message: str


def standing(action: BulkAction, request: HttpRequest, queryset: QuerySet[Any], ids: Sequence[Any]) -> Frozen:
    """How the frozen ids stand now: one statement, and another one if any is missing."""
    visible = action.visible(request, queryset)
    seen = _known(visible, action.key, ids)
    missing = [pk for pk in ids if str(pk) not in seen]
    hidden = _known(visible.model._default_manager.all(), action.key, missing) if missing else set()
    return Frozen(
        [pk for pk in ids if str(pk) in seen],
        [pk for pk in missing if str(pk) not in hidden],
        [pk for pk in missing if str(pk) in hidden],
    )


def _known(rows: QuerySet[Any], key: str, ids: Sequence[Any]) -> set[str]:
    found = rows.filter(**{f"{key}__among": list(ids)}).order_by().values_list(key, flat=True)
    return {str(pk) for pk in found}


def form_and_options(
    action: BulkAction, request: HttpRequest, selection: Selection
) -> tuple[forms.Form, Options | None]:
    """The options form as the query fills it in, else with its defaults; and what it says, if it is complete."""
    entered = _entered(request, selection)
    if entered is not None:
        form = action.options_form(request, entered)
        return form, form.cleaned_data if form.is_valid() else None
    form = action.options_form(request)
    defaults = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    said = action.options_form(
        request, {name: value for name, value in defaults.items() if value not in (None, False)}
    )
    return form, said.cleaned_data if said.is_valid() else None


def options_query(action: BulkAction, posted: QueryDict, request: HttpRequest) -> str:
    """What was entered, as the query of the confirmation page."""
    names = action.options_form(request).fields
    return urlencode([(OPTIONS, "1"), *((name, value) for name in names for value in posted.getlist(name))])


def is_long(query: str) -> bool:
    return len(query) > LONGEST


def keep(request: HttpRequest, selection: Selection, query: str) -> str:
    """The query by which the page finds what was entered: this one, or for a long one a word for the session's copy.

    Not a page in answer to the form: its links, a reload and the waiting for a plan would all have lost the options.
    """
    if not is_long(query):
        return query
    request.session[_place_of(selection)] = query
    return urlencode({OPTIONS: KEPT})


def forget(request: HttpRequest, selection: Selection) -> None:
    """Once it was done."""
    request.session.pop(_place_of(selection), None)


def _entered(request: HttpRequest, selection: Selection) -> QueryDict | None:
    """What somebody filled in, or None: the options begin with their defaults."""
    if OPTIONS not in request.GET:
        return None
    if request.GET[OPTIONS] != KEPT:
        return request.GET
    kept = request.session.get(_place_of(selection))
    if kept is None:
        tell_once(request, _("What was entered is no longer known: these are the options as they are at first."))
        return None
    return QueryDict(kept)


def _place_of(selection: Selection) -> str:
    return f"{OPTIONS}:{selection.pk}"


def context(
    request: HttpRequest, action: BulkAction, selection: Selection, frozen: Frozen, form: forms.Form
) -> dict[str, Any]:
    """Everything but the form, which a refused POST brings along itself: then nothing is said of other options."""
    refused = form.is_bound and not form.is_valid()
    options = None if refused else form_and_options(action, request, selection)[1]
    job = plan_job(action, selection, options)
    shown: dict[str, Any] = {
        "action": action,
        "title": action.label,
        "total": len(selection.ids),
        "back": selection.back,
        "incomplete": options is None,
        "plan_job": job,
        "plan_status": word_badge(JOB_STATUS, job.status) if job else "",
        "plan_bar": progress_bar(job) if job else "",
        "plan_problem": _problem(job),
        "offers_exact": options is not None and action.offers_exact(frozen.visible) and not (job and job.is_active),
        "no_worker": job is not None and job.status == JobStatus.QUEUED and not queue.live_clusters(),
    }
    try:
        preview = finished_plan(job) or action.preview(request, frozen.visible, options)
        stamp = _stamp(options, preview) if options is not None else NO_PLAN
        return {**shown, "shown_stamp": stamp, **_shown(request, preview, frozen, selection)}
    except DomainError as error:
        return {**shown, "refusal": {"code": error.code, "detail": paragraphs(error.detail)}}


def is_as_shown(
    action: BulkAction, request: HttpRequest, selection: Selection, frozen: Frozen, options: Options
) -> bool:
    """Whether the posted options come to what the page showed when the button was pressed. May raise DomainError.

    Other options may come to the same counts: a reason, say. A POST that tells nothing of a page is taken at its word.
    """
    shown = request.POST.get("shown", "")
    if not shown or shown.startswith(token_of(options)):
        return True
    job = plan_job(action, selection, options)
    preview = finished_plan(job) or action.preview(request, frozen.visible, options)
    return shown.partition(".")[2] == _stamp(options, preview).partition(".")[2]


def _stamp(options: Options, preview: Preview) -> str:
    """Stands for a preview as it is shown: its options, and what they come to."""
    said = json.dumps([sorted(preview.counts.items()), preview.exact])
    return f"{token_of(options)}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _problem(job: Job | None) -> dict[str, str]:
    if job is None or job.is_active or not job.error_code:
        return {}
    return {"code": job.error_code, "detail": printable(job.error_detail)}


def _shown(request: HttpRequest, preview: Preview, frozen: Frozen, selection: Selection) -> dict[str, Any]:
    fates = [
        Fate(name, text, tone.value, preview.counts[name])
        for name, (text, tone) in preview.words.items()
        if preview.counts.get(name)
    ]
    left = {GONE: frozen.gone, BLOCKED: frozen.blocked}
    fates += [Fate(name, STANDING[name][0], STANDING[name][1].value, len(ids)) for name, ids in left.items() if ids]
    wanted = request.GET.get("fate", "")
    wanted = wanted if any(fate.name == wanted for fate in fates) else ""
    # What an action chose that hangs on the rows of its list (the entries of sources) may be of a list that this user
    # may not look at: they are told how many, not which.
    hidden = hidden_types(request)
    rows: Any = left[wanted] if wanted in left else preview.rows(wanted, hidden)
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    planned = [Planned("", str(pk), f"{selection.model} {pk}", wanted) for pk in page] if wanted in left else [
        preview.shown(row) for row in page
    ]  # fmt: skip
    return {
        "preview": preview,
        "worked_out": ago(preview.made_at) if preview.made_at else "",
        "facts": [fact for fact in preview.facts if fact.rows],
        "fates": fates,
        "wanted_fate": wanted,
        "page": page,
        "rows": _rows(planned, {**preview.words, **STANDING}),
        "row_count": sum(fate.size for fate in fates),
        "withheld": 0 if wanted in left else _size(preview, wanted) - page.paginator.count,
    }


def _size(preview: Preview, fate: str) -> int:
    return preview.counts[fate] if fate else sum(preview.counts.values())


def _rows(planned: Sequence[Planned], words: Words) -> list[ShownRow]:
    """Names and links of the rows of one page: at most two statements for each type of object."""
    nameless = names_of((row.type, row.id) for row in planned if not row.label)
    urls = object_urls((row.type, row.id) for row in planned if row.label)
    rows = []
    for row in planned:
        known = nameless.get((row.type, row.id))
        label = row.label or (known.label if known else f"{row.type} {row.id}")
        url = known.url if known else urls.get((row.type, row.id), "")
        message = shortened(row.message, 300) if row.message else ""
        rows.append(ShownRow(shortened(label, 120), url, word_badge(words, row.fate), row.code, message))
    return rows
