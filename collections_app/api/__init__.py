"""The REST face of collections and deployments."""
