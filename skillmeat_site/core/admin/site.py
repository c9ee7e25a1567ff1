"""The admin site as a whole: what it calls itself, and what it leaves out."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

admin.site.site_header = _("SkillMeat")
admin.site.site_title = _("SkillMeat")
admin.site.index_title = _("Overview")

# The queue's own tables: one row edited wrongly stops every schedule, and the jobs tell everything they would.
for _model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
