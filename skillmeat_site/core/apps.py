from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from skillmeat_site.core import checks, logs


class Config(AppConfig):
    name = "skillmeat_site.core"
    label = "core"
    verbose_name = "Jobs and tokens"

    def ready(self) -> None:
        logs.configure()
        checks.register()
        # Each app says in `jobs.py` what it runs and when, in `doctor.py` what it needs.
        autodiscover_modules("jobs", "doctor")
