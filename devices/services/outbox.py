"""Tell people and systems of events: written here with the event, delivered after it (`devices.services.delivery`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q

from config import wakeups
from devices.channels import CHANNELS
from devices.channels.base import AnyChannel
from devices.models import Notice, OutboxMessage, Tenant
from devices.models.tenants import TenantOwned
from devices.selectors import own_and_above
from devices.services import notices

#: Every event the product tells of (the mission's, X-29), and the words for it.
EVENTS = {
    "requested": "Approval requested",
    "commented": "Approval request commented",
    "approved": "Approved",
    "rejected": "Rejected",
    "executed": "Job execution started",
    "completed": "Job execution completed",
    "closed": "Approval request closed",
    "expired": "Approval request expired",
    "reminder": "Approval request still waiting",
    "test": "Test message",
    "paused": "Job execution paused",
    "config_changed": "Configuration changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is told: to its recipients, and to the receivers of its tenant and those above it; once to each by its
    `key`.

    `details` go into the mails to its recipients, and nowhere else.
    """

    tenant: Tenant
    event: str
    key: str
    subject: str
    text: str
    url: str
    recipients: Iterable[User]
    by: User | None = None
    details: str = ""


def announce(event: Event, *, now: datetime) -> None:
    """Write an event for its recipients and the tenant's receivers, in the caller's transaction; each gets it once."""
    announce_all([event], now=now)


def announce_all(events: Iterable[Event], *, now: datetime) -> None:
    """Write several events."""
    rows: list[OutboxMessage] = []
    told: list[Notice] = []
    receivers: dict[int, list[tuple[AnyChannel, list[int]]]] = {}
    for event in events:
        tenant, people = event.tenant, list(event.recipients)
        if tenant.pk not in receivers:
            receivers[tenant.pk] = _receivers(tenant)
        text = f"{EVENTS[event.event]}: {event.subject}"[:300]
        told += [
            Notice(tenant=tenant, recipient=user, key=event.key[:120], text=text, url=event.url, created_at=now)
            for user in people
        ]
        common = {
            "tenant": tenant,
            "event": event.event,
            "key": event.key[:160],
            "actor": event.by.get_username() if event.by else "system",
            "subject": event.subject[:300],
            "text": event.text,
            "url": event.url,
            "created_at": now,
            "next_at": now,
        }
        rows += [
            OutboxMessage(
                channel=channel.key,
                target=address.target,
                recipient=address.recipient,
                details=event.details if address.recipient else "",
                **common,
            )
            for channel, pks in receivers[tenant.pk]
            for address in channel.addresses(pks, people)
        ]
    notices.give(told)
    if rows:
        OutboxMessage.objects.bulk_create(rows, ignore_conflicts=True)
        wakeups.after_commit([("devices.deliver", [], wakeups.DEFAULT)])


def _receivers(tenant: Tenant) -> list[tuple[AnyChannel, list[int]]]:
    """Return by channel the receivers (ids) of a tenant's events: its own and those of the tenants above it."""
    above = Q(tenant__in=own_and_above(tenant), enabled=True)
    return [
        (channel, list(channel.model.objects.filter(above).values_list("pk", flat=True)))
        for channel in CHANNELS.values()
    ]


def test(*, by: User, channel: AnyChannel, row: TenantOwned, now: datetime) -> None:
    """Send a message to show that a receiver of a channel works; Invalid when it can go nowhere."""
    address = channel.test_address(row, by)
    OutboxMessage.objects.create(
        tenant=row.tenant,
        event="test",
        key=f"test:{channel.key}:{row.pk}:{now.isoformat()}",
        channel=channel.key,
        target=address.target,
        actor=by.get_username(),
        subject=f"{row}",
        text="This channel works.",
        recipient=address.recipient,
        created_at=now,
        next_at=now,
    )
    wakeups.after_commit([("devices.deliver", [], wakeups.DEFAULT)])


def send_again(*, message: OutboxMessage, now: datetime) -> None:
    """Try a message that was given up once more."""
    OutboxMessage.objects.filter(pk=message.pk, status=OutboxMessage.Status.FAILED).update(
        status=OutboxMessage.Status.WAITING, next_at=now
    )
    wakeups.after_commit([("devices.deliver", [], wakeups.DEFAULT)])
