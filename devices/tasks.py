"""The Celery face of messages and of the audit trail."""

from celery import shared_task
from django.utils import timezone

from config.one_at_a_time import OneAtATime
from devices.services import audit_anchors, delivery

#: A receiver that hangs holds one thread of a process, however often beat asks.
DELIVER = OneAtATime(lambda: delivery.deliver(now=timezone.now()))


@shared_task(name="devices.deliver")
def deliver() -> None:
    """Send what waits in the outbox."""
    DELIVER()


@shared_task(name="devices.anchor_audit")
def anchor_audit() -> None:
    """Keep the heads of the audit trails outside of the database."""
    audit_anchors.anchor(now=timezone.now())
