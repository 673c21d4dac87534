"""Keep the heads of audit trails outside of the database: in a file that is only appended to, in the log, in syslog.

Each line is signed and names the line before it (`devices.domain.audit_trail`).
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import syslog
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction

from devices.domain import audit_trail
from devices.domain.audit_trail import Anchors, Broken
from devices.models import AuditEvent, AuditHead, Tenant
from devices.services import audit

log = logging.getLogger(__name__)


def signing_key() -> Ed25519PrivateKey:
    """Return the key that signs heads; it is made when there is none, mode 0600."""
    path: Path = settings.AUDIT_KEY_FILE
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(secrets.token_hex(32))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process made it
        finally:
            draft.unlink()
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))


def public_key() -> str:
    """Return the public half (hex) of the key, by which others check what is signed."""
    return audit_trail.public_half(signing_key())


def known(path: Path | None = None) -> Anchors:
    """Return what is anchored in our file, or in a copy; Broken when it is not whole.

    FileNotFoundError: there is none.
    """
    with open(path or settings.AUDIT_ANCHORS, encoding="utf-8") as stream:
        return audit_trail.read_anchors(stream, public_key(), whole=path is None)[0]


def anchor(*, now: datetime) -> tuple[int, list[str]]:
    """Append the heads that have changed; return how many, and a sentence for each that must not be anchored."""
    written, wrong = 0, []
    with _opened() as stream:
        anchors, previous = _read(stream)
        for head in AuditHead.objects.select_related("tenant").order_by("pk"):
            if problem := _problem(head, anchors.get(head.tenant_id, {})):
                wrong.append(f"{head.tenant.key}: {problem}")
                log.error("Not anchored: %s", wrong[-1], extra={"action": "audit.broken", "tenant": head.tenant.key})
            elif head.count not in anchors.get(head.tenant_id, {}) and head.count:
                previous = _append(stream, head, now, previous)
                written += 1
    return written, wrong


def accept(*, tenant: Tenant, reason: str, now: datetime) -> int:
    """Take a trail as it is from now on, for somebody restored a backup; return how many events it has.

    The act is an event of the trail and a line of the anchors. Broken when the events do not fit each other.
    """
    with transaction.atomic(), _opened() as stream:
        _, previous = _read(stream)
        head, _ = AuditHead.objects.select_for_update(no_key=True).get_or_create(tenant=tenant)
        chain = audit_trail.Chain()
        for event in AuditEvent.objects.filter(tenant=tenant).order_by("pk").iterator():
            chain.add(event.pk, audit.content_of(event), event.hash)
        head.count, head.hash = chain.count, chain.hash
        audit.seal(head)
        head.save()
        audit.record(
            tenant=tenant, by=None, action="audit.restored", subject=tenant.name, reason=reason, kept=chain.count
        )
        head.refresh_from_db()
        _append(stream, head, now, previous, restored=reason)
    return head.count


def export(tenants: list[Tenant], *, now: datetime) -> Iterator[str]:
    """Yield the lines of the tenants' whole trails, signed; Broken where one is not whole."""
    key = signing_key()
    start = {"kind": "trail", "format": audit_trail.FORMAT, "at": now.isoformat(), "key": audit_trail.public_half(key)}
    yield audit_trail.text_of(audit_trail.sign(start, key))
    heads = []
    for tenant in tenants:
        audit.verify(tenant)
        head = AuditHead.objects.filter(tenant=tenant).first() or AuditHead(tenant=tenant)
        # What is written meanwhile is behind the head.
        rows = AuditEvent.objects.filter(tenant=tenant).order_by("pk")[: head.count]
        for number, event in enumerate(rows.iterator(), 1):
            yield audit_trail.text_of(_record_of(event, number))
        record = {"kind": "head", **_record_of_head(head, now)}
        heads.append(audit_trail.named(record))
        yield audit_trail.text_of(audit_trail.sign(record, key))
    yield audit_trail.text_of(audit_trail.sign({"kind": "end", "heads": heads, "at": now.isoformat()}, key))


def _problem(head: AuditHead, mine: dict[int, tuple[str, str]]) -> str:
    """Return why a head must not be anchored: it would make good what somebody did to the trail."""
    last = max(mine, default=0)
    if not audit.is_authentic(head):
        return "The stored head was not written by this installation."
    if head.count < last:
        return f"It had {last} events, and has {head.count}."
    if head.count == last and last and mine[last][0] != head.hash:
        return "Its last event was replaced."
    if last and not AuditEvent.objects.filter(tenant=head.tenant_id, hash=mine[last][0]).exists():
        return f"Its event number {last} was replaced."
    return ""


def _opened() -> TextIO:
    """Return our file, to be read and appended to by nobody else meanwhile."""
    handle = os.open(settings.AUDIT_ANCHORS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return os.fdopen(handle, "r+", encoding="utf-8")


def _read(stream: TextIO) -> tuple[Anchors, str]:
    """Return what is anchored, and the hash of the last line; who was killed in the midst of one left a piece of it."""
    text = stream.read()
    if text and not text.endswith("\n"):
        stream.write("\n")
    return audit_trail.read_anchors(text.splitlines(), public_key())


def _append(stream: TextIO, head: AuditHead, now: datetime, previous: str, restored: str = "") -> str:
    """Append a head to our file, to the log and to syslog; return the hash of its line."""
    record = {"kind": "anchor", **_record_of_head(head, now), "previous": previous}
    if restored:
        record["restored"] = restored
    text = audit_trail.text_of(audit_trail.sign(record, signing_key()))
    stream.write(f"{text}\n")
    stream.flush()
    os.fsync(stream.fileno())
    key = head.tenant.key
    about = {"tenant": key, "anchor": text}
    log.info("The audit trail of %s has %s events.", key, head.count, extra={"action": "audit.anchored", **about})
    if settings.AUDIT_SYSLOG:
        syslog.openlog("interlock", 0, syslog.LOG_AUTHPRIV)
        syslog.syslog(syslog.LOG_NOTICE, text)
    return audit_trail.hash_of_line(text)


def _record_of_head(head: AuditHead, now: datetime) -> dict[str, object]:
    return {
        "tenant": head.tenant_id,
        "name": head.tenant.key,
        "count": head.count,
        "hash": head.hash,
        "at": now.isoformat(),
    }


def _record_of(event: AuditEvent, number: int) -> dict[str, object]:
    content = dict(zip(audit_trail.CONTENT, audit.content_of(event), strict=True))
    return {"kind": "event", "number": number, **content, "hash": event.hash}


__all__ = ["Broken", "accept", "anchor", "export", "known", "public_key", "signing_key"]
