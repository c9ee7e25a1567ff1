"""The REST face of the project cache."""
