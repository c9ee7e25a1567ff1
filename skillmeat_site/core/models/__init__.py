from skillmeat_site.core.models.audit import AuditEvent
from skillmeat_site.core.models.budget import UpstreamBudget
from skillmeat_site.core.models.job import Job, JobItem
from skillmeat_site.core.models.token import ApiToken

__all__ = ["ApiToken", "AuditEvent", "Job", "JobItem", "UpstreamBudget"]
