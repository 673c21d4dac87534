"""Webhooks: an event as signed JSON; to public addresses and those that are allowed by name, never after a redirect."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import ssl
import time
from collections.abc import Collection, Mapping
from urllib.parse import SplitResult, urlsplit

from django import forms

from config.errors import Invalid
from devices.channels.base import Channel, Message, enabled_field, flaw_of_host, secret_field, unreached
from devices.channels.time_limit import time_limit
from devices.domain.errors import DeliveryFailed, DeviceError
from devices.domain.secrets import Secret
from devices.domain.targets import Reach, is_allowed, literal
from devices.drivers import doors
from devices.models import Webhook as Hook

TIMEOUT_SECONDS = 10.0
PORTS = {"https": 443, "http": 80}


class Webhook(Channel[Hook]):
    """Every event of a tenant and those below it goes to each of its webhooks."""

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
        check_address(str(values["url"]), doors.installations(public=True))

    def send(self, receiver: Hook, secrets: Mapping[str, Secret], message: Message) -> None:
        """Post one event; DeliveryFailed says why it was not taken."""
        post(receiver.url, secrets["secret"], message.facts(), doors.installations(public=True))


WEBHOOK = Webhook()


def check_address(url: str, reach: Reach) -> None:
    """Raise Invalid where an address can never be sent to. Without encryption only those can that are allowed by
    name."""
    parts = _parts(url)
    if parts is None:
        raise Invalid(fields={"url": ["Give an address that begins with https://, without user name."]})
    address = literal(parts.hostname or "")
    if parts.scheme == "http" and not (address and is_allowed(address, reach)):
        raise Invalid(fields={"url": ["Give an https address, so that nobody on the way reads or changes events."]})
    if wrong := flaw_of_host(parts.hostname or "", reach):
        raise Invalid(fields={"url": wrong})


def post(url: str, secret: Secret, facts: dict[str, str], reach: Reach) -> None:
    """Send; the signature is the HMAC-SHA256 (hex) of `<timestamp>.<body>` under the webhook's key."""
    try:
        check_address(url, reach)
    except Invalid as error:
        raise DeliveryFailed(" ".join(sum(error.fields.values(), [])), final=True) from None
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
    client = _client(parts)
    try:
        with time_limit(lambda: client.sock):
            _connect(client, parts.scheme == "https", reach)
            client.request("POST", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", body, headers)
            status = client.getresponse().status
    except (DeviceError, OSError, ValueError, http.client.HTTPException) as error:
        raise unreached(f"{parts.hostname}", error) from None
    finally:
        client.close()
    if not 200 <= status < 300:
        raise DeliveryFailed(f"{parts.hostname} answered {status}.", final=status in (400, 404, 410))


def _parts(url: str) -> SplitResult | None:
    """Return the parts of an address that can be sent to; None of one that cannot."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:  # a port or a bracket that is none
        return None
    return parts if usable else None


def _client(parts: SplitResult) -> http.client.HTTPConnection:
    """Return what speaks HTTP over a connection that it is given; the library would look the name up by itself."""
    assert parts.hostname is not None  # `check_address` saw to it
    client = http.client.HTTPConnection(parts.hostname, parts.port or PORTS[parts.scheme], timeout=TIMEOUT_SECONDS)
    client.auto_open = 0
    return client


def _connect(client: http.client.HTTPConnection, encrypted: bool, reach: Reach) -> None:
    sock = doors.connect(client.host, client.port, TIMEOUT_SECONDS, reach, tries=1)
    client.sock = sock
    if encrypted:
        client.sock = ssl.create_default_context().wrap_socket(sock, server_hostname=client.host)
