from django.apps import AppConfig

from collections_app import errors  # noqa: F401 - registers the codes of collections


class Config(AppConfig):
    name = "collections_app"
    label = "collections_app"
    verbose_name = "Collections and projects"
