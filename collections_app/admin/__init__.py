"""The admin of collections, artifacts, snapshots, projects and deployments."""

from collections_app.admin import artifacts, collections, deploy_deployments, deploy_projects, plans, snapshots

__all__ = ["artifacts", "collections", "deploy_deployments", "deploy_projects", "plans", "snapshots"]
