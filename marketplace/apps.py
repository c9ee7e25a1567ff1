from django.apps import AppConfig


class Config(AppConfig):
    name = "marketplace"
    label = "marketplace"
    verbose_name = "Marketplace"
