"""Bulk actions over suggested tags, and over the sources that suggest them. Database only, so done at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.jobs import approve_tags, decide_tags
from marketplace.models.tag import TagStatus
from skillmeat_site.core.admin.actions import Count, JobAction


class _DecideTags(JobAction):
    """The preview is the job's own dry run."""

    permission = "marketplace.change_source"
    job = decide_tags
    inline = True
    status: ClassVar[TagStatus]

    def params(self, ids: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": list(ids), "status": self.status.value}

    def preview(self, request: HttpRequest, ids: Sequence[int]) -> list[Count]:
        return self.planned(request, ids, {})


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
    permission = "marketplace.change_source"
    job = approve_tags
    inline = True

    def preview(self, request: HttpRequest, ids: Sequence[int]) -> list[Count]:
        return self.planned(request, ids, {})
