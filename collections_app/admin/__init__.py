"""The admin of collections, artifacts, snapshots, projects and deployments."""

from collections_app.admin import (
    artifacts,
    collections,
    dashboard,
    deploy_deployments,
    deploy_projects,
    navigation,
    plans,
    snapshots,
)

__all__ = [
    "artifacts",
    "collections",
    "dashboard",
    "deploy_deployments",
    "deploy_projects",
    "navigation",
    "plans",
    "snapshots",
]
