"""Pure rules of the project cache."""
