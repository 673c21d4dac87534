"""The Celery face of messages."""

from celery import shared_task
from django.utils import timezone

from devices.services import outbox


@shared_task(name="devices.deliver")
def deliver() -> None:
    """Send what waits in the outbox."""
    outbox.deliver(now=timezone.now())
