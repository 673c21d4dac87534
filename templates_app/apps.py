"""The app's registration."""

from django.apps import AppConfig


class TemplatesConfig(AppConfig):
    """Service templates."""

    name = "templates_app"
    verbose_name = "Service templates"
