"""Append to the audit trail, in the transaction of the change it records."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from config.key_ring import KeyMissing
from config.sealed_text import open_text, seal_text
from devices.domain import audit_trail
from devices.models import AuditEvent, AuditHead, Tenant

log = logging.getLogger(__name__)


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
        forged = {pk for pk, head in heads.items() if not is_authentic(head)}
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
            event.hash = head.hash = audit_trail.event_hash(content_of(event))
            head.count += 1
            events.append(event)
        AuditEvent.objects.bulk_create(events)
        for pk, head in heads.items():
            if pk in forged:  # to seal it would make it good; as it is, `verify` finds it
                log.error("The audit head of tenant %s was replaced.", pk, extra={"action": "audit.broken"})
            else:
                seal(head)
            AuditHead.objects.filter(pk=pk).update(hash=head.hash, count=head.count, head_sealed=head.head_sealed)
    return events


def content_of(event: AuditEvent) -> list[object]:
    """Return what an event's hash is of."""
    return [
        event.previous_hash,
        event.tenant_id,
        event.at.isoformat(),
        event.actor_name,
        event.action,
        event.subject,
        event.details,
    ]


def is_authentic(head: AuditHead) -> bool:
    """Say whether a head is one that this installation has written for its tenant; a new one is."""
    if not head.head_sealed:
        return (head.count, head.hash) == (0, audit_trail.NOTHING)
    try:
        return open_text(head.head_sealed, _place(head)) == f"{head.count} {head.hash}"
    except (KeyMissing, ValueError):
        return False


def seal(head: AuditHead) -> None:
    """Seal a head as it stands."""
    head.head_sealed = seal_text(f"{head.count} {head.hash}", _place(head))


def verify_all(anchors: Mapping[int, Mapping[int, tuple[str, str]]] | None = None) -> list[tuple[str, int, str]]:
    """Return (tenant, number of events, problem or empty) for every tenant; `anchors` as `audit_trail.read_anchors`
    gives them."""
    found, anchors = [], anchors or {}
    tenants = {tenant.pk: tenant for tenant in Tenant.objects.order_by("path")}
    for pk, tenant in tenants.items():
        try:
            found.append((tenant.key, verify(tenant, anchors.get(pk, {})), ""))
        except ValueError as error:
            found.append((tenant.key, 0, str(error)))
    gone = sorted(set(anchors) - set(tenants))
    return found + [(f"tenant {pk}", 0, "It has anchors, and is not there any more.") for pk in gone]


def verify(tenant: Tenant, anchors: Mapping[int, tuple[str, str]] | None = None) -> int:
    """Return how many events the tenant's chain has; ValueError names the first event that does not fit, or says what
    is missing or was put in its place: by the sealed head, and by what was anchored."""
    head = AuditHead.objects.filter(tenant=tenant).first() or AuditHead(tenant=tenant)
    chain = audit_trail.Chain(anchors or {})
    for event in AuditEvent.objects.filter(tenant=tenant).order_by("pk").iterator():
        chain.add(event.pk, content_of(event), event.hash)
    if not is_authentic(head):
        raise audit_trail.Broken(
            f"The stored head was not written by this installation, or its key is missing; {chain.count} events are "
            "there. Newer ones may be missing."
        )
    chain.end(head.count, head.hash)
    return chain.count


def _place(head: AuditHead) -> str:
    return f"{head.tenant_id}|{head.sealed_row}|head"
