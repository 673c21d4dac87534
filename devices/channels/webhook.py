"""Webhooks: an event as signed JSON; never to the machine's own or its neighbours' doors, never after a redirect."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Collection, Mapping
from urllib.parse import SplitResult, urlsplit

from django import forms
from django.conf import settings

from config.errors import Invalid
from devices.channels.base import Channel, Message, enabled_field, secret_field
from devices.channels.time_limit import time_limit
from devices.domain.errors import DeliveryFailed
from devices.domain.secrets import Secret
from devices.models import Webhook as Hook

TIMEOUT_SECONDS = 10.0


class Webhook(Channel[Hook]):
    """Every event of a tenant and those below it goes to each of its webhooks; the demo's may be on this machine."""

    key, label = "webhook", "Webhook"
    slug, title, noun, icon = "webhooks", "Webhooks", "webhook", "api"
    intro = "Get every event of a customer and those below it as signed JSON."
    model = Hook
    secrets = ("secret",)
    fields = {
        "name": forms.CharField(max_length=120),
        "url": forms.URLField(label="Address", max_length=500, assume_scheme="https"),
        "secret": secret_field(label="Signing key", help_text="Each event carries an HMAC-SHA256 made with it."),
        "enabled": enabled_field(),
    }

    def check(self, values: Mapping[str, object], held: Collection[str]) -> None:
        """Refuse an address that can never be sent to."""
        check_address(str(values["url"]), settings.DEMO)

    def send(self, receiver: Hook, secrets: Mapping[str, Secret], message: Message) -> None:
        """Post one event; DeliveryFailed says why it was not taken."""
        post(receiver.url, secrets["secret"], message.facts(), allow_local=settings.DEMO)


WEBHOOK = Webhook()


def check_address(url: str, allow_local: bool) -> None:
    """Raise Invalid where an address can never be sent to."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise Invalid(fields={"url": ["Give an address that begins with https://, without user name."]})
    if parts.scheme == "http" and not allow_local:
        raise Invalid(fields={"url": ["Give an https address, so that nobody on the way reads or changes events."]})


def post(url: str, secret: Secret, facts: dict[str, str], *, allow_local: bool) -> None:
    """Send; the signature is the HMAC-SHA256 (hex) of `<timestamp>.<body>` under the webhook's key."""
    parts = urlsplit(url)
    body = json.dumps(facts, sort_keys=True).encode()
    stamp = str(int(time.time()))
    signature = hmac.new(secret.reveal().encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Interlock",
        "Host": parts.netloc,
        "X-Interlock-Id": facts["id"],
        "X-Interlock-Timestamp": stamp,
        "X-Interlock-Signature": f"sha256={signature}",
    }
    try:
        client = _open(parts, allow_local)
    except OSError as error:
        raise DeliveryFailed(f"{parts.hostname} did not take it: {error}"[:280]) from None
    try:
        with time_limit(lambda: client.sock):
            client.request("POST", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", body, headers)
            status = client.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DeliveryFailed(f"{parts.hostname} did not take it: {error}"[:280]) from None
    finally:
        client.close()
    if not 200 <= status < 300:
        raise DeliveryFailed(f"{parts.hostname} answered {status}.", final=status in (400, 404, 410))


def _open(parts: SplitResult, allow_local: bool) -> http.client.HTTPConnection:
    """Return a connection to the address that was looked at: the name is resolved once."""
    assert parts.hostname is not None  # `check_address` saw to it
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)[0][4][0]
    except (OSError, UnicodeError):
        raise DeliveryFailed(f"The name {parts.hostname} has no address.") from None
    found = ipaddress.ip_address(address)
    if not allow_local and (not found.is_global or found.is_multicast):
        raise DeliveryFailed(f"{parts.hostname} is {address}, which is not a public address.", final=True)
    plain = http.client.HTTPConnection(str(address), port, timeout=TIMEOUT_SECONDS)
    if parts.scheme == "https":
        secure = http.client.HTTPSConnection(
            parts.hostname, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
        raw = socket.create_connection((str(address), port), TIMEOUT_SECONDS)
        secure.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=parts.hostname)
        return secure
    return plain
