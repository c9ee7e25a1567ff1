"""Rebuildable read models."""
