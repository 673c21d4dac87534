"""The Celery face of messages."""

from celery import shared_task
from django.utils import timezone

from config.one_at_a_time import OneAtATime
from devices.services import delivery

#: A receiver that hangs holds one thread of a process, however often beat asks.
DELIVER = OneAtATime(lambda: delivery.deliver(now=timezone.now()))


@shared_task(name="devices.deliver")
def deliver() -> None:
    """Send what waits in the outbox."""
    DELIVER()
