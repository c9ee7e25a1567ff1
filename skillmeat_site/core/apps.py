from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.module_loading import autodiscover_modules

from skillmeat_site.core import checks, logs, lookups  # noqa: F401 - lookups register themselves


class Admin(admin_apps.AdminConfig):
    """Django's admin, with a site of ours."""

    default = False
    default_site = "skillmeat_site.core.admin_site.Site"


class Config(AppConfig):
    name = "skillmeat_site.core"
    label = "core"
    verbose_name = "Work and settings"

    def ready(self) -> None:
        logs.configure()
        checks.register()
        # Each app says in `jobs` what it runs and when, in `doctor` what it needs, in `metrics` what it measures.
        autodiscover_modules("jobs", "jobs.housekeeping", "jobs.planning", "jobs.many")
        autodiscover_modules("doctor", "job_metrics", "api.schema")
