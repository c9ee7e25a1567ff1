"""The cache's share of the projects' pages, and of the overview."""

from cache_app.admin import dashboard, projects

__all__ = ["dashboard", "projects"]
