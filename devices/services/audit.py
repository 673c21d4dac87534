"""Append to the audit trail, in the transaction of the change it records."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import transaction
from django.utils import timezone

from devices.models import AuditEvent, AuditHead, Tenant


def record(*, tenant: Tenant, by: Any, action: str, subject: str, **details: Any) -> AuditEvent:
    """Write one event; `by` is the user, or None for the system. Details must be JSON and hold no secret."""
    with transaction.atomic():
        AuditHead.objects.get_or_create(tenant=tenant)
        head = AuditHead.objects.select_for_update().get(tenant=tenant)
        event = AuditEvent(
            tenant=tenant,
            at=timezone.now(),
            actor=by,
            actor_name=by.get_username() if by else "system",
            action=action,
            subject=subject[:300],
            details=details,
            previous_hash=head.hash,
        )
        event.hash = event_hash(event)
        event.save(force_insert=True)
        AuditHead.objects.filter(pk=head.pk).update(hash=event.hash)
    return event


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
    """Return how many events the tenant's chain has; ValueError names the first event that does not fit."""
    previous, count = "0" * 64, 0
    for event in AuditEvent.objects.filter(tenant=tenant).order_by("pk").iterator():
        if event.previous_hash != previous or event_hash(event) != event.hash:
            raise ValueError(f"Audit event {event.pk} was changed, or one before it is missing.")
        previous, count = event.hash, count + 1
    return count
