"""The cache's share of the projects' pages."""

from cache_app.admin import projects

__all__ = ["projects"]
