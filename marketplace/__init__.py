"""Sources, scans and the catalog."""
