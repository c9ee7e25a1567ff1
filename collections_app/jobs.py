"""How the services of collections run as jobs."""

from collections_app import deploy_jobs  # noqa: F401 - declares its own
