from django.apps import AppConfig


class Config(AppConfig):
    name = "cache_app"
    label = "cache_app"
    verbose_name = "Rebuildable read models"
