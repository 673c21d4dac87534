"""Keep the receivers of the notification channels, their secrets sealed, and send one message through its channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from config.errors import Invalid
from devices import access
from devices.channels import CHANNELS
from devices.channels.base import AnyChannel, Channel, Message
from devices.domain.errors import DeliveryFailed
from devices.domain.roles import Verb
from devices.domain.secrets import Secret
from devices.models import OutboxMessage, Tenant
from devices.models.tenants import TenantOwned
from devices.services import audit, vault

R = TypeVar("R", bound=TenantOwned)


@dataclass(frozen=True, slots=True)
class Sending:
    """A message ready to be sent: `receiver` names who takes it, `send` needs no database and raises DeliveryFailed."""

    receiver: tuple[str, object]
    send: Callable[[], None]


def sending(message: OutboxMessage, words: str) -> Sending:
    """Return how a message is sent; DeliveryFailed when nobody takes it."""
    channel = CHANNELS.get(message.channel)
    if channel is None:
        raise DeliveryFailed(f"There is no channel '{message.channel}' any more.", final=True)
    receiver = channel.receiver(message)
    told = Message(
        id=message.key,
        event=message.event,
        words=words,
        tenant=message.tenant.key,
        tenant_name=message.tenant.name,
        subject=message.subject,
        actor=message.actor,
        text=message.text,
        details=message.details,
        url=f"{settings.BASE_URL}{message.url}" if message.url else "",
        at=message.created_at.isoformat(timespec="seconds"),
        target=message.target,
    )
    secrets = opened(channel, receiver)
    return Sending((channel.key, receiver.pk), lambda: channel.send(receiver, secrets, told))


def save_channel(
    *,
    by: User,
    tenant: Tenant,
    channel: Channel[R],
    secrets: dict[str, Secret | None],
    instance: R | None = None,
    **values: object,
) -> R:
    """Make or change a receiver of a channel; a secret that is None stays as it was. Invalid names what is wrong."""
    access.check_may(by, Verb.ADMINISTER, tenant)
    row = instance or channel.model(tenant=tenant)
    for name, value in values.items():
        setattr(row, name, value)
    given = {name: secret for name in channel.secrets if (secret := secrets.get(name)) is not None}
    _check(channel, row, set(given))
    with transaction.atomic():
        row.save()
        for name, secret in given.items():
            sealed = vault.seal(secret, tenant_id=tenant.pk, row=row.sealed_row, field=name)
            setattr(row, f"{name}_sealed", sealed)
        row.save()
        audit.record(tenant=tenant, by=by, action=f"{channel.model._meta.model_name}.saved", subject=str(row))
    return row


def opened(channel: AnyChannel, row: TenantOwned) -> dict[str, Secret]:
    """Return a receiver's secrets, to be sent with; those that it has not are empty."""
    return {
        name: vault.unseal(getattr(row, f"{name}_sealed"), tenant_id=row.tenant_id, row=row.sealed_row, field=name)
        for name in channel.secrets
    }


def _check(channel: AnyChannel, row: TenantOwned, given: set[str]) -> None:
    others = channel.model._default_manager.filter(tenant=row.tenant).exclude(pk=row.pk)
    name = getattr(row, "name", "")
    if name and others.filter(name__iexact=name).exists():
        raise Invalid(fields={"name": [f"The name '{name}' is taken in this tenant; choose another."]})
    if channel.single and others.exists():
        raise Invalid(fields={"tenant": [f"This customer has a {channel.noun} already; change it."]})
    stored = {name for name in channel.secrets if getattr(row, f"{name}_sealed")}
    plain = {name: getattr(row, name) for name in channel.fields if name not in channel.secrets}
    channel.check(plain, given | stored)
