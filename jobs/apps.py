"""The app's registration."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Service jobs."""

    name = "jobs"
    verbose_name = "Jobs"
