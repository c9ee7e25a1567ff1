"""The admin of jobs, tokens and audit events, and what the admins of all apps are made of."""

from skillmeat_site.core.admin import audit, budgets, dashboard, jobs, site, tokens, upstream_tokens, users

__all__ = ["audit", "budgets", "dashboard", "jobs", "site", "tokens", "upstream_tokens", "users"]
