"""Append to the audit trail, in the transaction of the change it records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from devices.models import AuditEvent, AuditHead, Tenant


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written: `by` is the user, or None for the system. Details must be JSON and hold no secret."""

    tenant: Tenant
    by: User | None
    action: str
    subject: str
    details: Mapping[str, object]


def record(*, tenant: Tenant, by: User | None, action: str, subject: str, **details: object) -> AuditEvent:
    """Write one event."""
    return record_all([Entry(tenant, by, action, subject, details)])[0]


def record_all(entries: Sequence[Entry]) -> list[AuditEvent]:
    """Write events, each into the chain of its tenant, in their order; everybody locks the chains in the same order."""
    if not entries:
        return []
    tenants = {entry.tenant.pk for entry in entries}
    with transaction.atomic():
        AuditHead.objects.bulk_create([AuditHead(tenant_id=pk) for pk in sorted(tenants)], ignore_conflicts=True)
        rows = AuditHead.objects.filter(tenant__in=tenants).order_by("tenant_id").select_for_update(no_key=True)
        heads = {head.tenant_id: head for head in rows}
        events = []
        for entry in entries:
            head = heads[entry.tenant.pk]
            event = AuditEvent(
                tenant=entry.tenant,
                at=timezone.now(),
                actor=entry.by,
                actor_name=entry.by.get_username() if entry.by else "system",
                action=entry.action,
                subject=entry.subject[:300],
                details=entry.details,
                previous_hash=head.hash,
            )
            event.hash = head.hash = event_hash(event)
            events.append(event)
        AuditEvent.objects.bulk_create(events)
        for head in heads.values():
            AuditHead.objects.filter(pk=head.pk).update(hash=head.hash)
    return events


def event_hash(event: AuditEvent) -> str:
    """Return the SHA-256 (hex) over the event's content and the hash before it."""
    content = [
        event.previous_hash,
        event.tenant_id,
        event.at.isoformat(),
        event.actor_name,
        event.action,
        event.subject,
        event.details,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def verify_all() -> list[tuple[str, int, str]]:
    """Return (tenant, number of events, problem or empty) for every tenant."""
    found = []
    for tenant in Tenant.objects.order_by("path"):
        try:
            found.append((tenant.key, verify(tenant), ""))
        except ValueError as error:
            found.append((tenant.key, 0, str(error)))
    return found


def verify(tenant: Tenant) -> int:
    """Return how many events the tenant's chain has; ValueError names the first event that does not fit, or says that
    the newest ones are missing: the stored head is the hash of the last."""
    previous, count = "0" * 64, 0
    for event in AuditEvent.objects.filter(tenant=tenant).order_by("pk").iterator():
        if event.previous_hash != previous or event_hash(event) != event.hash:
            raise ValueError(f"Audit event {event.pk} was changed, or one before it is missing.")
        previous, count = event.hash, count + 1
    head = AuditHead.objects.filter(tenant=tenant).values_list("hash", flat=True).first()
    if (head or "0" * 64) != previous:
        raise ValueError(f"The newest audit events are missing: {count} are left, and the last is not the stored head.")
    return count
