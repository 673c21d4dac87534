"""Send an event as an SNMP trap, v2c or v3; what it carries is described in docs/INTERLOCK-MIB.txt."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as snmp

from devices.domain.errors import DeliveryFailed
from devices.domain.secrets import Secret

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
#: A value is cut so that a trap fits into one datagram.
MOST = 400
EPOCH_2020 = 1_577_836_800


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to, and with what."""

    host: str
    port: int
    version: str
    username: str
    auth: str
    priv: str
    community: Secret
    auth_key: Secret
    priv_key: Secret
    engine_id: str


def send(receiver: Receiver, facts: dict[str, str]) -> None:
    """Send one trap; DeliveryFailed when it could not leave. SNMP traps are not acknowledged."""
    try:
        asyncio.run(_send(receiver, facts))
    except (PySnmpError, OSError, ValueError) as error:
        raise DeliveryFailed(f"The trap to {receiver.host}:{receiver.port} could not be sent: {error}"[:280]) from None


async def _send(receiver: Receiver, facts: dict[str, str]) -> None:
    engine = snmp.SnmpEngine(snmp.OctetString(hexValue=receiver.engine_id))
    try:
        # Each sending counts as a restart of the engine: receivers accept a higher count of boots at time zero.
        (boots,) = engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineBoots")
        boots.syntax = boots.syntax.clone(int(time.time()) - EPOCH_2020)
        target = await snmp.UdpTransportTarget.create((receiver.host, receiver.port), timeout=2, retries=0)
        number = NOTIFICATIONS.index(facts["event"]) + 1
        note = snmp.NotificationType(snmp.ObjectIdentity(f"{ROOT}.0.{number}")).add_varbinds(
            *((f"{ROOT}.1.{n}.0", snmp.OctetString(facts[name][:MOST].encode())) for n, name in enumerate(OBJECTS, 1))
        )
        error, status, _, _ = await snmp.send_notification(
            engine, _credentials(receiver), target, snmp.ContextData(), "trap", note
        )
        if error or status:
            raise DeliveryFailed(f"The trap to {receiver.host} could not be sent: {error or status}.")
    finally:
        engine.close_dispatcher()


def _credentials(receiver: Receiver) -> Any:
    if receiver.version == "v2c":
        return snmp.CommunityData(receiver.community.reveal() or "public", mpModel=1)
    auth, priv = receiver.auth_key.reveal(), receiver.priv_key.reveal()
    return snmp.UsmUserData(
        receiver.username,
        authKey=auth if receiver.auth != "none" else None,
        privKey=priv if receiver.priv != "none" else None,
        authProtocol=AUTH[receiver.auth],
        privProtocol=PRIV[receiver.priv],
    )
