"""Send one message of the outbox through its channel; write the channels' settings, their secrets sealed."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction

from config.errors import Invalid
from devices import access
from devices.domain.errors import DeliveryFailed
from devices.domain.roles import Verb
from devices.domain.secrets import EMPTY, Secret
from devices.drivers import mail, traps, webhooks
from devices.models import MailServer, OutboxMessage, Tenant, TrapReceiver, Webhook
from devices.selectors import own_and_above
from devices.services import audit, vault

#: The sealed fields of each kind of channel.
SECRETS: dict[Any, tuple[str, ...]] = {
    MailServer: ("password",),
    TrapReceiver: ("community", "auth_key", "priv_key"),
    Webhook: ("secret",),
}


def send(message: OutboxMessage, words: str) -> None:
    """Send, or raise DeliveryFailed with the reason."""
    link = f"{settings.BASE_URL}{message.url}" if message.url else ""
    facts = {
        "event": message.event,
        "tenant": message.tenant.key,
        "subject": message.subject,
        "actor": message.actor,
        "text": message.text,
        "url": link,
        "at": message.created_at.isoformat(timespec="seconds"),
        "id": message.key,
    }
    {"mail": _mail, "trap": _trap, "webhook": _webhook}[message.channel](message, words, facts)


def save_channel(
    *, by: Any, tenant: Tenant, model: Any, secrets: dict[str, Secret | None], instance: Any = None, **values: Any
) -> Any:
    """Make or change a mail server, trap receiver or webhook; a secret that is None stays as it was."""
    access.check_may(by, Verb.ADMINISTER, tenant)
    row = instance or model(tenant=tenant)
    for name, value in values.items():
        setattr(row, name, value)
    others = model.objects.filter(tenant=tenant).exclude(pk=row.pk)
    if values.get("name") and others.filter(name__iexact=values["name"]).exists():
        raise Invalid(fields={"name": [f"The name '{values['name']}' is taken in this tenant; choose another."]})
    if model is MailServer and others.exists():
        raise Invalid(fields={"tenant": ["This customer has a mail server already; change it."]})
    if model is Webhook:
        webhooks.check(row.url, settings.DEMO)
    with transaction.atomic():
        row.save()
        for field in SECRETS[model]:
            secret = secrets.get(field)
            if secret is not None:
                sealed = vault.seal(secret, tenant_id=tenant.pk, row=f"{model.__name__}:{row.pk}", field=field)
                setattr(row, f"{field}_sealed", sealed)
        row.save()
        audit.record(tenant=tenant, by=by, action=f"{model._meta.model_name}.saved", subject=str(row))
    return row


def _mail(message: OutboxMessage, words: str, facts: dict[str, str]) -> None:
    above = own_and_above(message.tenant)
    server = MailServer.objects.filter(tenant__in=above, enabled=True).order_by("-tenant__path").first()
    if server is None:
        raise DeliveryFailed("There is no mail server any more.", final=True)
    if message.recipient and not message.recipient.is_active:
        raise DeliveryFailed("The recipient's account was switched off.", final=True)
    mail.send(
        mail.Server(
            server.host, server.port, server.security, server.username, _open(server, "password"), server.sender
        ),
        to=message.target,
        subject=f"[Interlock] {words}: {message.subject}",
        body=f"{words}: {message.subject}\nCustomer: {message.tenant.name}\nBy: {message.actor}\n\n{message.text}\n\n{facts['url']}\n{message.details}",
        message_id=f"{message.key.replace(':', '.')}.{message.tenant_id}",
    )


def _trap(message: OutboxMessage, words: str, facts: dict[str, str]) -> None:
    row = TrapReceiver.objects.filter(pk=int(message.target), enabled=True).first()
    if row is None:
        raise DeliveryFailed("The trap receiver was removed or switched off.", final=True)
    receiver = traps.Receiver(
        host=row.host,
        port=row.port,
        version=row.version,
        username=row.username,
        auth=row.auth,
        priv=row.priv,
        community=_open(row, "community"),
        auth_key=_open(row, "auth_key"),
        priv_key=_open(row, "priv_key"),
        engine_id=engine_id(),
    )
    traps.send(receiver, facts)


def _webhook(message: OutboxMessage, words: str, facts: dict[str, str]) -> None:
    row = Webhook.objects.filter(pk=int(message.target), enabled=True).first()
    if row is None:
        raise DeliveryFailed("The webhook was removed or switched off.", final=True)
    webhooks.send(row.url, _open(row, "secret"), facts, allow_local=settings.DEMO)


def engine_id() -> str:
    """Return this installation's SNMP engine id (hex): enterprise number of the documentation range, and its own
    text."""
    return "80007ed904" + sha256(settings.SECRET_KEY.encode()).hexdigest()[:16]


def _open(row: Any, field: str) -> Secret:
    text = getattr(row, f"{field}_sealed")
    place = f"{type(row).__name__}:{row.pk}"
    return vault.unseal(text, tenant_id=row.tenant_id, row=place, field=field) if text else EMPTY
