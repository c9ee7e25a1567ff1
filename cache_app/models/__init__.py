"""What was last read of projects. Every row may be dropped: the disk says it all again."""

from cache_app.models.discovery import Discovery
from cache_app.models.project_state import ProjectState, ReadStatus

__all__ = ["Discovery", "ProjectState", "ReadStatus"]
