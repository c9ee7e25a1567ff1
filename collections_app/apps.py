from django.apps import AppConfig


class Config(AppConfig):
    name = "collections_app"
    label = "collections_app"
    verbose_name = "Collections on disk"
