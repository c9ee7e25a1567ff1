"""Rows for tests: one factory per model, valid by default, every column overridable."""
