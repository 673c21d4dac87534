"""The Celery face of approvals."""

from celery import shared_task
from django.utils import timezone

from approvals import services


@shared_task(name="approvals.watch")
def watch() -> None:
    """End requests that nobody answered in time; remind of the others."""
    services.watch(now=timezone.now())
