"""The cache's share of the pages of projects and deployments, and of the overview."""

from cache_app.admin import dashboard, deployments, projects

__all__ = ["dashboard", "deployments", "projects"]
