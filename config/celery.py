"""The Celery application. Tasks are named by string; only ids travel; the database is the queue of record."""

import logging.config
import os

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("interlock")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["devices", "approvals", "jobs"])


@setup_logging.connect
def keep_the_log(**context: object) -> None:
    """Write the log of workers and beat as the settings say; Celery would give it a level of its own."""
    logging.config.dictConfig(settings.LOGGING)
