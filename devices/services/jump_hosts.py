"""Jump hosts: made and changed, pinned, and asked for the way to a device; and the codes that logins have used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Unpack
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from config.errors import Invalid
from devices import access
from devices.domain.endpoints import normal_host
from devices.domain.roles import Verb
from devices.models import Device, JumpHost, Tenant, UsedCode
from devices.models.jump_hosts import MOST_HOPS, way_from
from devices.services import audit, inventory
from devices.services.values import JumpHostValues


def save_jump_host(
    *, by: User | None, tenant: Tenant, instance: JumpHost | None = None, **values: Unpack[JumpHostValues]
) -> JumpHost:
    """Make or change a jump host; Invalid for a way that turns in a circle, or is too long.

    One that is reached elsewhere from now on is another machine: its pinned host key is forgotten.
    """
    if by is not None:
        access.check_may(by, Verb.ADMINISTER, tenant)
    given: dict[str, object] = {**values}
    if "host" in values:
        try:
            given["host"] = normal_host(values["host"])
        except ValueError as error:
            raise Invalid(fields={"host": [str(error)]}) from None
    if values.get("name", "").strip().lower() == "none":
        raise Invalid(fields={"name": ["In files 'none' means no jump host; choose another name."]})
    with transaction.atomic():
        # Two that are changed at once could make a circle together; each waits for the other.
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        row = instance or JumpHost(tenant=tenant)
        place = (row.host, row.port, row.through_id)
        for field, value in given.items():
            setattr(row, field, value)
        known = {one.pk: one for one in JumpHost.objects.filter(tenant=tenant)}
        if said := _wrong_way(row, {**known, row.pk: row}):
            raise Invalid(fields={"through": [said]})
        if instance and place != (row.host, row.port, row.through_id):
            row.host_key = ""
        inventory.write(row)
        verb = "changed" if instance else "created"
        audit.record(tenant=tenant, by=by, action=f"jump_host.{verb}", subject=row.name)
    return row


def _wrong_way(row: JumpHost, known: Mapping[UUID, JumpHost]) -> str:
    """Say why the jump hosts of a tenant cannot be chained so; empty when they can."""
    for start in known.values():
        hops: list[UUID] = []
        hop: JumpHost | None = start
        while hop is not None:
            if hop.pk in hops:
                return f"'{row.name}' would be reached through itself; choose another one."
            hops.append(hop.pk)
            hop = known.get(hop.through_id) if hop.through_id else None
        if row.pk in hops and len(hops) > MOST_HOPS:
            return f"More than {MOST_HOPS} jump hosts one behind the other are not possible ('{start.name}' would be)."
    return ""


def way_to(device: Device) -> list[JumpHost]:
    """Return the jump hosts on the way to a device, the first one first."""
    if not device.next_hop_id:
        return []
    known = {row.pk: row for row in JumpHost.objects.filter(tenant=device.tenant_id)}
    return way_from(device.next_hop_id, known)[::-1]


def forget_host_key(*, by: User, jump_host: JumpHost) -> None:
    """Unpin the host key, so that the next contact pins what the jump host shows then."""
    access.check_may(by, Verb.ADMINISTER, jump_host.tenant)
    with transaction.atomic():
        JumpHost.objects.filter(pk=jump_host.pk).update(host_key="")
        audit.record(
            tenant=jump_host.tenant,
            by=by,
            action="jump_host.host_key_forgotten",
            subject=jump_host.name,
            was=jump_host.host_key,
        )


def pin_host_keys(found: Iterable[tuple[UUID, str]]) -> None:
    """Pin the keys (id, fingerprint) seen at first contact; a key pinned meanwhile stays."""
    for pk, fingerprint in sorted(found, key=lambda pair: str(pair[0])):
        JumpHost.objects.filter(pk=pk, host_key="").update(host_key=fingerprint)


def claim_code(account: str, step: int) -> bool:
    """Take the code of an account in a step of time (`devices.domain.totp`); False when somebody has used it."""
    if UsedCode.objects.filter(account=account, step__lt=step).update(step=step):
        return True
    if UsedCode.objects.filter(account=account).exists():
        return False
    try:
        with transaction.atomic():
            UsedCode.objects.create(account=account, step=step)
    except IntegrityError:  # somebody was faster
        return bool(UsedCode.objects.filter(account=account, step__lt=step).update(step=step))
    return True
