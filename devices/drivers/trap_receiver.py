"""Receive SNMP traps (v1, v2c, v3) and say of each from where it came and what it is.

Nothing here knows the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import ntfrcv

from devices.domain.secrets import Secret

log = logging.getLogger(__name__)
#: Traps that tell of a changed configuration: CISCO-CONFIG-MAN-MIB, JUNIPER-CFGMGMT-MIB, ENTITY-MIB.
CONFIG_CHANGED = {
    "1.3.6.1.4.1.9.9.43.2.0.1": "ciscoConfigManEvent",
    "1.3.6.1.4.1.9.9.43.2.0.2": "ccmCLIRunningConfigChanged",
    "1.3.6.1.4.1.2636.4.5.0.1": "jnxCmCfgChange",
    "1.3.6.1.2.1.47.2.0.1": "entConfigChange",
}
#: What a trap carries: object identifiers with their values.
Bindings = Iterable[tuple[object, object]]
TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"


@dataclass(frozen=True, slots=True)
class User:
    """Who may send SNMPv3 traps: SHA-256 authentication and AES-128 privacy, from the engine with this id (hex)."""

    name: str
    engine_id: str
    auth_key: Secret
    priv_key: Secret


def receive(
    host: str,
    port: int,
    community: Secret,
    user: User | None,
    told: Callable[[str, str], None],
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Listen until the process ends; `told(source address, trap OID)` is called for each trap.

    OSError: no such port.
    """
    asyncio.run(_receive(host, port, community, user, told, ready))


async def _receive(
    host: str,
    port: int,
    community: Secret,
    user: User | None,
    told: Callable[[str, str], None],
    ready: Callable[[], None],
) -> None:
    snmp, pool = engine.SnmpEngine(), ThreadPoolExecutor(max_workers=1, thread_name_prefix="traps")
    transport = udp.UdpTransport().open_server_mode((host, port))
    config.add_transport(snmp, udp.DOMAIN_NAME, transport)
    if community:
        config.add_v1_system(snmp, "traps", community.reveal())
    if user is not None:
        config.add_v3_user(
            snmp,
            user.name,
            config.USM_AUTH_HMAC192_SHA256,
            user.auth_key.reveal(),
            config.USM_PRIV_CFB128_AES,
            user.priv_key.reveal(),
            securityEngineId=bytes.fromhex(user.engine_id),
        )

    def got(
        snmp_engine: engine.SnmpEngine,
        reference: int,
        engine_id: object,
        name: object,
        bindings: Bindings,
        context: object,
    ) -> None:
        where = snmp_engine.message_dispatcher.get_transport_info(reference)[1][0]
        kinds = [str(value) for oid, value in bindings if str(oid) == TRAP_OID]
        if kinds:
            # Not in the event loop's thread: whoever is told may take his time and use the database.
            pool.submit(told, str(where), kinds[0]).add_done_callback(_note)

    ntfrcv.NotificationReceiver(snmp, got)
    await asyncio.sleep(0.1)  # the socket is bound in a task of its own; a taken port is an error there
    ready()
    await asyncio.Event().wait()


def _note(done: Future[None]) -> None:
    """Log what went wrong with one trap; the next ones are received all the same."""
    if error := done.exception():
        log.error("A trap could not be dealt with.", exc_info=error, extra={"action": "trap.failed"})
