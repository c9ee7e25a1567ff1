"""REST face of the marketplace."""
