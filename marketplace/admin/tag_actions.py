"""Bulk actions over suggested tags, and over the sources that suggest them.

Decisions are database only, so done at once; a refresh asks upstream, so a worker does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.models import Source
from marketplace.models.tag import TagStatus
from marketplace.tag_jobs import approve_tags, bulk_refresh_auto_tags, decide_tags
from skillmeat_site.core.admin.actions import JobAction, Options
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.previews import Preview, estimate
from skillmeat_site.core.upstreams import access_policy

INLINE = 500
"""So many decisions are made within a second; more are a worker's."""
ASKED: Words = {
    "ask": (_("will be asked about"), Tone.INFO),
    "elsewhere": (_("will be skipped: not on GitHub"), Tone.QUIET),
}


class _DecideTags(JobAction):
    """The preview is the job's own dry run."""

    job = decide_tags
    inline_up_to = INLINE
    status: ClassVar[TagStatus]

    def params(self, ids: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": list(ids), "status": self.status.value}


class ApproveTags(_DecideTags):
    name = "approve"
    label = _("Approve selected tags")
    button = _("Approve")
    description = _("Approved tags go with what is imported from below their folder.")
    status = TagStatus.APPROVED


class RejectTags(_DecideTags):
    name = "reject"
    label = _("Reject selected tags")
    button = _("Reject")
    description = _("Rejected tags are not used, and not asked about again.")
    status = TagStatus.REJECTED


class ReopenTags(_DecideTags):
    name = "reopen"
    label = _("Take back decisions on selected tags")
    button = _("Take back the decision")
    description = _("The tags wait for a decision again.")
    status = TagStatus.PENDING


class ApproveSourceTags(JobAction):
    name = "approve_tags"
    label = _("Approve tags of selected sources")
    button = _("Approve tags")
    description = _("Approves every pending tag that the repositories have now. Rejected tags stay rejected.")
    job = approve_tags
    inline_up_to = INLINE


class RefreshSourceTags(JobAction):
    """What GitHub will say is not known before: the preview tells who will be asked."""

    name = "refresh_auto_tags"
    label = _("Refresh topics of selected sources")
    button = _("Refresh topics")
    description = _("Brings suggested tags up to the repositories' topics on GitHub. Decisions hold.")
    job = bulk_refresh_auto_tags
    exact_up_to = 0

    def estimate(self, request: HttpRequest, ids: Sequence[int], options: Options | None) -> Preview:
        base = f"{access_policy().github_url.rstrip('/')}/"
        on_github = set(Source.objects.filter(pk__among=list(ids), url__startswith=base).values_list("pk", flat=True))
        return estimate(
            "source",
            ids,
            lambda pk: "ask" if pk in on_github else "elsewhere",
            words=ASKED,
            note=_("What GitHub will say of them is not known before it is asked."),
        )
