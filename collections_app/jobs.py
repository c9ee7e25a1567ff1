"""How the services of collections run as jobs."""

from collections_app.deploy_jobs import bulk_deploy, bulk_undeploy, deploy, undeploy_one

__all__ = ["bulk_deploy", "bulk_undeploy", "deploy", "undeploy_one"]
