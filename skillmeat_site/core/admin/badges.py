"""The words and tones of what every app shares: job states, outcomes, triggers."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.display import Text, Tone, badge
from skillmeat_site.core.results import ItemOutcome, JobStatus, Trigger

Words = Mapping[str, tuple[Text, Tone]]

JOB_STATUS: Words = {
    JobStatus.QUEUED: (_("queued"), Tone.QUIET),
    JobStatus.RUNNING: (_("running"), Tone.INFO),
    JobStatus.SUCCEEDED: (_("succeeded"), Tone.GOOD),
    JobStatus.PARTIAL: (_("partial"), Tone.WARNING),
    JobStatus.FAILED: (_("failed"), Tone.BAD),
    JobStatus.CANCELLED: (_("cancelled"), Tone.QUIET),
}
OUTCOME: Words = {
    "": (_("not yet"), Tone.QUIET),
    ItemOutcome.CREATED: (_("created"), Tone.GOOD),
    ItemOutcome.UPDATED: (_("updated"), Tone.GOOD),
    ItemOutcome.UNCHANGED: (_("unchanged"), Tone.QUIET),
    ItemOutcome.REMOVED: (_("removed"), Tone.INFO),
    ItemOutcome.SKIPPED: (_("skipped"), Tone.QUIET),
    ItemOutcome.CONFLICT: (_("conflict"), Tone.WARNING),
    ItemOutcome.FAILED: (_("failed"), Tone.BAD),
    ItemOutcome.DEFERRED: (_("deferred"), Tone.WARNING),
}
TRIGGER: Mapping[str, Text] = {
    Trigger.API: _("API"),
    Trigger.ADMIN: _("admin"),
    Trigger.COMMAND: _("command"),
    Trigger.SCHEDULE: _("schedule"),
    Trigger.WEBHOOK: _("webhook"),
}


def word_badge(words: Words, value: str) -> SafeString:
    """The badge of a value; one that has no word yet is shown as it is."""
    text, tone = words.get(value, (value, Tone.QUIET))
    return badge(text, tone)


def choices(words: Words) -> list[tuple[str, Text]]:
    """The values and their words, for a filter."""
    return [(value, text) for value, (text, _tone) in words.items() if value]
