from skillmeat_site.core.models.audit import AuditEvent
from skillmeat_site.core.models.budget import UpstreamBudget, UpstreamSlot
from skillmeat_site.core.models.job import Job, JobItem
from skillmeat_site.core.models.selection import Selection
from skillmeat_site.core.models.token import ApiToken
from skillmeat_site.core.models.upstream_token import RefusedToken, UpstreamToken

__all__ = [
    "ApiToken",
    "AuditEvent",
    "Job",
    "JobItem",
    "RefusedToken",
    "Selection",
    "UpstreamBudget",
    "UpstreamSlot",
    "UpstreamToken",
]
