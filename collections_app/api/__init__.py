"""REST face of collections."""
