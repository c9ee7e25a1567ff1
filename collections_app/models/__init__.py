from collections_app.models.artifact import Artifact
from collections_app.models.collection import Collection, DiskOperation
from collections_app.models.deployment import Deployment, Project
from collections_app.models.refresh_plan import PlanState, RefreshPlan
from collections_app.models.snapshot import Snapshot

__all__ = ["Artifact", "Collection", "Deployment", "DiskOperation", "PlanState", "Project", "RefreshPlan", "Snapshot"]
