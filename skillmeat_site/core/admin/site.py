"""What the admin leaves out, and where its own pages stand."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.models import ApiToken, AuditEvent, Job, RefusedToken, UpstreamBudget, UpstreamToken
from skillmeat_site.core.navigation import section

section("work", _("Work"), Job, AuditEvent, order=40)
section(
    "settings", _("Access and settings"),
    UpstreamToken, RefusedToken, UpstreamBudget, ApiToken, get_user_model(), Group, order=50,
)  # fmt: skip

# The queue's own tables: one row edited wrongly stops every schedule, and the jobs tell everything they would.
for _model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
