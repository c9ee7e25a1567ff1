"""What templates ask of the house: ``{% load skillmeat %}``."""

from __future__ import annotations

from django import template

from skillmeat_site.core.admin import hints

register = template.Library()
register.filter("hint_for", hints.hint_for)
"""``{{ job.error_code|hint_for:job.error_detail }}``: what to do about a code."""
