"""The admin of projects and deployments."""

from collections_app.admin import deploy_deployments, deploy_projects

__all__ = ["deploy_deployments", "deploy_projects"]
