"""SNMP traps, v2c or v3, to each receiver of a tenant; what a trap carries is described in docs/INTERLOCK-MIB.txt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Collection, Mapping
from hashlib import sha256

from django import forms
from django.conf import settings
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as snmp

from config.errors import Invalid
from devices.channels.base import Channel, Message, enabled_field, flaw_of_host, port_field, secret_field, unreached
from devices.channels.time_limit import MOST_SECONDS
from devices.domain.errors import DeliveryFailed, DeviceError
from devices.domain.secrets import Secret
from devices.drivers import doors
from devices.models import TrapReceiver
from devices.models.channels import AUTH_CHOICES, PRIV_CHOICES

#: Below the enterprise number that is reserved for documentation, as long as none is assigned.
ROOT = "1.3.6.1.4.1.32473.4719"
#: Notifications `.0.n` and objects `.1.n.0` of the MIB.
NOTIFICATIONS = (
    "requested",
    "commented",
    "approved",
    "rejected",
    "executed",
    "completed",
    "closed",
    "expired",
    "reminder",
    "test",
    "paused",
    "config_changed",
)
OBJECTS = ("tenant", "subject", "actor", "text", "url", "at", "id")
AUTH = {
    "none": snmp.usmNoAuthProtocol,
    "sha": snmp.usmHMACSHAAuthProtocol,
    "sha256": snmp.usmHMAC192SHA256AuthProtocol,
    "sha512": snmp.usmHMAC384SHA512AuthProtocol,
}
PRIV = {"none": snmp.usmNoPrivProtocol, "aes": snmp.usmAesCfb128Protocol, "aes256": snmp.usmAesCfb256Protocol}
#: A value is cut to so many characters, so that a trap fits into one datagram.
MOST_CHARACTERS = 400
#: pysnmp wants to know it; nobody answers a trap.
TIMEOUT_SECONDS = 2.0
EPOCH_2020 = 1_577_836_800


class SnmpTrap(Channel[TrapReceiver]):
    """Every event of a tenant and those below it goes to each of its receivers."""

    key, label = "trap", "SNMP trap"
    slug, title, noun, icon = "trap-receivers", "SNMP Traps", "trap receiver", "network"
    model = TrapReceiver
    secrets = ("community", "auth_key", "priv_key")
    fields = {
        "name": forms.CharField(max_length=120),
        "host": forms.CharField(max_length=255),
        "port": port_field(162),
        "version": forms.ChoiceField(choices=[("v3", "v3"), ("v2c", "v2c")]),
        "community": secret_field(label="Community (v2c)"),
        "username": forms.CharField(label="User name (v3)", max_length=32, required=False),
        "auth": forms.ChoiceField(label="Authentication (v3)", choices=AUTH_CHOICES, initial="sha"),
        "auth_key": secret_field(label="Authentication key, 8 characters or more", min_length=8),
        "priv": forms.ChoiceField(label="Privacy (v3)", choices=PRIV_CHOICES, initial="aes"),
        "priv_key": secret_field(label="Privacy key, 8 characters or more", min_length=8),
        "enabled": enabled_field(),
    }

    @property
    def intro(self) -> str:
        """What these receivers get, and what they must know of this installation."""
        return (
            "Get every event of a customer and those below it; docs/INTERLOCK-MIB.txt describes them. "
            f"SNMP engine id of version 3: {engine_id()}."
        )

    def check(self, values: Mapping[str, object], held: Collection[str]) -> None:
        """Refuse an address that can never be sent to, and ask for what version 3 needs."""
        wrong = {"host": found} if (found := flaw_of_host(str(values["host"]), doors.installations())) else {}
        if values["version"] == "v3":
            wrong |= self._missing_of_v3(values, held)
        if wrong:
            raise Invalid(fields=wrong)

    def _missing_of_v3(self, values: Mapping[str, object], held: Collection[str]) -> dict[str, list[str]]:
        wrong: dict[str, list[str]] = {}
        if not values["username"]:
            wrong["username"] = ["Version 3 needs a user name."]
        for kind in ("auth", "priv"):
            if values[kind] != "none" and f"{kind}_key" not in held:
                wrong[f"{kind}_key"] = ["Give the key, or choose None."]
        if values["priv"] != "none" and values["auth"] == "none":
            wrong["priv"] = ["Privacy needs authentication."]
        return wrong

    def send(self, receiver: TrapReceiver, secrets: Mapping[str, Secret], message: Message) -> None:
        """Send one trap; DeliveryFailed when it could not leave. SNMP traps are not acknowledged."""
        where = f"{receiver.host}:{receiver.port}"
        try:
            target = doors.snmp_target(receiver.host, receiver.port, doors.installations(), TIMEOUT_SECONDS)
            asyncio.run(asyncio.wait_for(_send(receiver, secrets, message.facts(), target), MOST_SECONDS))
        except (DeviceError, PySnmpError, OSError, ValueError) as error:
            raise unreached(f"The trap receiver {where}", error) from None


SNMP_TRAP = SnmpTrap()


def engine_id() -> str:
    """Return this installation's SNMP engine id (hex): enterprise number of the documentation range, and its own
    text."""
    return "80007ed904" + sha256(settings.SECRET_KEY.encode()).hexdigest()[:16]


async def _send(
    receiver: TrapReceiver, secrets: Mapping[str, Secret], facts: dict[str, str], looked_up: Awaitable[doors.SnmpTarget]
) -> None:
    engine = snmp.SnmpEngine(snmp.OctetString(hexValue=engine_id()))
    try:
        # Each sending counts as a restart of the engine: receivers accept a higher count of boots at time zero.
        (boots,) = engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineBoots")
        boots.syntax = boots.syntax.clone(int(time.time()) - EPOCH_2020)
        target = await looked_up
        number = NOTIFICATIONS.index(facts["event"]) + 1
        note = snmp.NotificationType(snmp.ObjectIdentity(f"{ROOT}.0.{number}")).add_varbinds(
            *(
                (f"{ROOT}.1.{n}.0", snmp.OctetString(facts[name][:MOST_CHARACTERS].encode()))
                for n, name in enumerate(OBJECTS, 1)
            )
        )
        error, status, _, _ = await snmp.send_notification(
            engine, _credentials(receiver, secrets), target, snmp.ContextData(), "trap", note
        )
        if error or status:
            raise DeliveryFailed(f"The trap to {receiver.host} could not be sent: {error or status}.")
    finally:
        engine.close_dispatcher()


def _credentials(receiver: TrapReceiver, secrets: Mapping[str, Secret]) -> snmp.CommunityData | snmp.UsmUserData:
    if receiver.version == "v2c":
        return snmp.CommunityData(secrets["community"].reveal() or "public", mpModel=1)
    return snmp.UsmUserData(
        receiver.username,
        authKey=secrets["auth_key"].reveal() if receiver.auth != "none" else None,
        privKey=secrets["priv_key"].reveal() if receiver.priv != "none" else None,
        authProtocol=AUTH[receiver.auth],
        privProtocol=PRIV[receiver.priv],
    )
