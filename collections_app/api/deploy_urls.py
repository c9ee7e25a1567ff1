"""The routes of deployments and projects, for the router of the app: prefix, view set, base name."""

from collections_app.api.deploy_deployments import DeploymentViewSet
from collections_app.api.deploy_projects import ProjectViewSet

deploy_routes = (
    ("deployments", DeploymentViewSet, "deployment"),
    ("projects", ProjectViewSet, "project"),
)
