"""The cache's share of the pages of projects and deployments."""

from cache_app.admin import deployments, projects

__all__ = ["deployments", "projects"]
