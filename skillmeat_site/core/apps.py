from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from skillmeat_site.core import checks, logs, lookups  # noqa: F401 - lookups register themselves


class Config(AppConfig):
    name = "skillmeat_site.core"
    label = "core"
    verbose_name = "Jobs and tokens"

    def ready(self) -> None:
        logs.configure()
        checks.register()
        # Each app says in `jobs` what it runs and when, in `doctor` what it needs, in `metrics` what it measures.
        autodiscover_modules("jobs", "jobs.housekeeping", "jobs.planning", "jobs.many")
        autodiscover_modules("doctor", "job_metrics", "api.schema")
