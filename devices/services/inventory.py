"""Write what stands in a tenant's inventory: networks, tags, devices, credentials, agents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar, Unpack
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Manager, Model

from config.errors import Invalid
from config.one_line import flaw
from devices import access
from devices.domain.addresses import normal_address
from devices.domain.boxes import Seen
from devices.domain.endpoints import normal_host
from devices.domain.roles import Verb
from devices.domain.secrets import Secret
from devices.models import Agent, AssetTag, Credential, Device, DeviceTag, JumpHost, Network, Sighting, Tenant
from devices.services import audit, vault
from devices.services.values import AgentValues, CredentialValues, DeviceValues, NetworkValues, TagValues

Thing = Network | AssetTag | Agent | Device | Credential | JumpHost
M = TypeVar("M", Network, AssetTag, Agent, Device)


def save_network(
    *, by: User | None, tenant: Tenant, instance: Network | None = None, **values: Unpack[NetworkValues]
) -> Network:
    """Make or change a network."""
    return _save(Network, by, tenant, instance, values)


def save_tag(
    *, by: User | None, tenant: Tenant, instance: AssetTag | None = None, **values: Unpack[TagValues]
) -> AssetTag:
    """Make or change an asset tag."""
    return _save(AssetTag, by, tenant, instance, values)


def save_agent(
    *, by: User | None, tenant: Tenant, instance: Agent | None = None, name: str, **values: Unpack[AgentValues]
) -> Agent:
    """Make or change an agent; its queue is named once and for all."""
    given: dict[str, object] = {**values, "name": name}
    if instance is None:
        given["queue"] = f"agent.{tenant.key}.{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-') or 'agent'}"
    return _save(Agent, by, tenant, instance, given)


def save_device(
    *,
    by: User | None,
    tenant: Tenant,
    instance: Device | None = None,
    tags: list[AssetTag] | None = None,
    **values: Unpack[DeviceValues],
) -> Device:
    """Make or change a device; `tags` replaces its tags."""
    with transaction.atomic():
        device = _save(Device, by, tenant, instance, values)
        if tags is not None:
            DeviceTag.objects.filter(device=device).exclude(tag__in=tags).delete()
            held = set(DeviceTag.objects.filter(device=device).values_list("tag_id", flat=True))
            DeviceTag.objects.bulk_create(
                DeviceTag(tenant=tenant, device=device, tag=tag) for tag in tags if tag.pk not in held
            )
    return device


def write_devices(
    *, by: User, tenant: Tenant, given: Sequence[tuple[Device, DeviceValues, list[AssetTag] | None]]
) -> None:
    """Write devices that were checked, new ones and those that are there, with few statements; IntegrityError when
    somebody else has taken a name or an address meanwhile.

    Of those that are there only what is given is written.
    """
    access.check_may(by, Verb.ADMINISTER, tenant)
    wrong = [said for device, _, _ in given for said in settle_address(device).values()]
    if wrong:
        raise Invalid(" ".join(wrong[0]))
    fresh = [device for device, _, _ in given if device._state.adding]
    tagged = {device: tags for device, _, tags in given if tags is not None}
    with transaction.atomic():
        Device.objects.bulk_create(fresh)
        for columns in {tuple(sorted(values)) for device, values, _ in given if device not in fresh}:
            rows = [row for row, values, _ in given if row not in fresh and tuple(sorted(values)) == columns]
            Device.objects.bulk_update(rows, columns)
        held = DeviceTag.objects.filter(device__in=tagged)
        gone = [row.pk for row in held if row.tag_id not in {tag.pk for tag in tagged[row.device]}]
        DeviceTag.objects.filter(pk__in=gone).delete()
        pairs = [DeviceTag(tenant=tenant, device=device, tag=tag) for device, tags in tagged.items() for tag in tags]
        DeviceTag.objects.bulk_create(pairs, ignore_conflicts=True)
        made = set(fresh)
        audit.record_all(
            [
                audit.Entry(tenant, by, f"device.{'created' if row in made else 'changed'}", row.name, {})
                for row, _, _ in given
            ]
        )


def save_credential(
    *,
    by: User | None,
    tenant: Tenant,
    instance: Credential | None = None,
    secrets: dict[str, Secret | None] | None = None,
    **values: Unpack[CredentialValues],
) -> Credential:
    """Make or change a credential; a secret that is None stays as it was."""
    if by is not None and values.get("name", True):
        access.check_may(by, Verb.ADMINISTER, tenant)
    with transaction.atomic():
        if values.get("is_default"):
            others = Credential.objects.filter(tenant=tenant, is_default=True)
            (others.exclude(pk=instance.pk) if instance else others).update(is_default=False)
        credential = instance or Credential(tenant=tenant)
        for field, value in values.items():
            setattr(credential, field, value)
        credential.certificate = " ".join(credential.certificate.split())
        vault.set_secrets(credential, secrets or {})
        write(credential)
        changed = sorted(name for name, value in (secrets or {}).items() if value is not None)
        audit.record(tenant=tenant, by=by, action="credential.saved", subject=str(credential), secrets_set=changed)
    return credential


def take_secrets(*, source: Credential, target: Credential | None) -> Credential | None:
    """Carry what one account holds into another of its tenant without opening it to the caller; return the other.

    It is made where there is none and something to carry. What the source does not hold, the target keeps.
    """
    taker = target or Credential(tenant=source.tenant, username=source.username)
    held = vault.hand_over(source, taker)
    if not held:
        return target
    with transaction.atomic():
        write(taker)
        changed = sorted(held)
        audit.record(tenant=source.tenant, by=None, action="credential.saved", subject=str(taker), secrets_set=changed)
    return taker


def forget_host_key(*, by: User, device: Device) -> None:
    """Unpin the host key, so that the next contact pins what the device shows then."""
    access.check_may(by, Verb.ADMINISTER, device.tenant)
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(host_key="")
        audit.record(
            tenant=device.tenant, by=by, action="device.host_key_forgotten", subject=device.name, was=device.host_key
        )


def pin_host_key(*, device_id: UUID | str, fingerprint: str) -> None:
    """Pin the key seen at first contact; a key pinned meanwhile stays."""
    Device.objects.filter(pk=device_id, host_key="").update(host_key=fingerprint)


def remember_sightings(found: Sequence[tuple[Device, Seen, str]], *, at: datetime) -> None:
    """Keep what devices showed when they accepted a login, and at which endpoint (`host:port`) that was.

    To be called in a transaction. Of a device that was deleted meanwhile nothing is kept.
    """
    if not found:
        return
    wanted = Device.objects.filter(pk__in=[device.pk for device, _, _ in found]).order_by("pk")
    there = set(wanted.select_for_update(no_key=True).values_list("pk", flat=True))
    rows = {
        device.pk: Sighting(
            tenant_id=device.tenant_id,
            device=device,
            host_key=seen.host_key,
            called=seen.name,
            reached=seen.reached[:64],
            endpoint=endpoint,
            at=at,
        )
        for device, seen, endpoint in found
        if device.pk in there
    }
    Sighting.objects.bulk_create(
        [rows[pk] for pk in sorted(rows)],
        update_conflicts=True,
        unique_fields=["device"],
        update_fields=["host_key", "called", "reached", "endpoint", "at"],
    )


def _save(model: type[M], by: User | None, tenant: Tenant, instance: M | None, values: Mapping[str, object]) -> M:
    """Write one row and its audit event; `by=None` is the system (the demo loader, imports of a setup)."""
    if by is not None:
        access.check_may(by, Verb.ADMINISTER, tenant)
    row = instance or model(tenant=tenant)
    for field, value in values.items():
        setattr(row, field, value)
    with transaction.atomic():
        write(row)
        verb = "changed" if instance else "created"
        audit.record(tenant=tenant, by=by, action=f"{model._meta.model_name}.{verb}", subject=str(row))
    return row


def write(row: Thing) -> None:
    """Save, and say in words which uniqueness rule was hit, or why a device cannot be reached so."""
    problems = settle_address(row) if isinstance(row, Device) else {}
    problems = _taken(row) | problems
    if problems:
        raise Invalid(fields=problems)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Invalid(
            "This refers to something of another tenant, or somebody saved the same name just now."
        ) from error


def settle_address(device: Device) -> dict[str, list[str]]:
    """Give a device's addresses their one spelling; return what is wrong with how it is reached, by field."""
    found: dict[str, list[str]] = {}
    for field, read in (("address", normal_address), ("connect_host", normal_host)):
        try:
            setattr(device, field, read(getattr(device, field)) if getattr(device, field) else "")
        except ValueError as error:
            found[field] = [str(error)]
    if device.direct and device.jump_host_id:
        found["jump_host"] = ["It is set to be reached without a jump host; choose one of both."]
    if device.console and device.protocol == Device.Protocol.TELNET:
        found["console"] = ["A console port is reached by SSH; set the protocol to SSH."]
    return found


def _taken(row: Thing) -> dict[str, list[str]]:
    manager: Manager[Model] = type(row)._default_manager
    others = manager.exclude(pk=row.pk)
    found: dict[str, list[str]] = {}
    name = getattr(row, "name", "")
    if name and not flaw(name) and others.filter(tenant_id=row.tenant_id, name__iexact=name).exists():
        found["name"] = [f"The name '{name}' is taken in this tenant; choose another."]
    if isinstance(row, Device) and others.filter(network_id=row.network_id, address=row.address).exists():
        found["address"] = [f"Another device of this network has the address {row.address}."]
    return found
