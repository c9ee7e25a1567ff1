"""Differences between files, made ready for people: aligned, their words compared, coloured. Knows no models."""
