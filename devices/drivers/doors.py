"""The one door out: whatever is connected to on behalf of a customer is connected to here, devices and receivers alike.

A name is asked once, each of its addresses is looked at, and what is connected to is an address that was looked at.
`tests/test_doors_only.py` finds every other place that opens a connection.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeAlias

from django.conf import settings

from config import env
from config.failpoints import failpoint
from devices.domain.errors import TargetDenied, Unreachable
from devices.domain.targets import Reach, is_nowhere, literal, obstacle
from devices.drivers.hub import WRITE, elsewhere, ready, sleep

if TYPE_CHECKING:
    from pysnmp.hlapi.v3arch.asyncio import Udp6TransportTarget, UdpTransportTarget

    SnmpTarget: TypeAlias = UdpTransportTarget | Udp6TransportTarget

log = logging.getLogger(__name__)
#: A connection is tried so often.
CONNECT_TRIES = 2
#: Between two tries.
PAUSE_SECONDS = 0.3
#: So many addresses of a name are tried; all are looked at.
MOST_ADDRESSES = 4
#: What is said of a name that leads nowhere: whether it is unknown here or leads to what is denied, is not told.
NOWHERE = "the name is unknown, or leads to where this installation does not connect; its log says which"


def installations(*, public: bool = False, devices: bool = False) -> Reach:
    """Return where this installation connects to; `public`: to private addresses only where they are allowed.

    The `devices` of a demo are on this machine: those it simulates, and those that somebody plays beside it.
    """
    played = [env.LOOPBACK] if settings.DEMO and devices else []
    return Reach(
        allowed=(*settings.ALLOWED_TARGETS, *played),
        denied=tuple(settings.DENIED_TARGETS),
        names=not settings.DEMO,
        public=public,
    )


def look(host: str, reach: Reach) -> None:
    """Raise TargetDenied where it needs no looking up to know that a host is never connected to."""
    address = literal(host)
    if address and (found := obstacle(address, reach)):
        log.warning("%s is not connected to: it is %s.", host, found, extra={"action": "target.denied", "host": host})
        raise TargetDenied(
            f"This installation does not connect to {host}: the address is denied. Whoever runs it may allow it "
            "(INTERLOCK_ALLOWED_TARGETS). Nothing was sent."
        )
    if not address and not reach.names:
        raise TargetDenied(
            f"The demo looks up no names, so it does not connect to {host}. It reaches devices on this machine alone. "
            "Nothing was sent."
        )


def look_behind(host: str) -> None:
    """Raise TargetDenied where no jump host is asked to connect: what of our networks is denied lies elsewhere there,
    but for what is no machine anywhere."""
    address = literal(host)
    if address and is_nowhere(address):
        log.warning("%s is not connected to behind a jump host.", host, extra={"action": "target.denied", "host": host})
        raise TargetDenied(f"No jump host is asked to connect to {host}: no device has that address. Nothing was sent.")


def resolve(host: str, port: int, reach: Reach, kind: int = socket.SOCK_STREAM) -> list[str]:
    """Return the addresses of a host, of which each may be connected to.

    TargetDenied as of `look`; Unreachable for a name that has no address, or one of those denied.
    """
    look(host, reach)
    address = literal(host)
    if address:
        return [address]
    found = _looked_up(host, port, kind)
    for one in found:
        if problem := obstacle(one, reach):
            log.warning(
                "%s is not connected to: it is %s.", host, problem, extra={"action": "target.denied", "host": host}
            )
            raise Unreachable(f"No connection to {host} port {port}: {NOWHERE}. Nothing was sent.")
    return found[:MOST_ADDRESSES]


def connect(host: str, port: int, seconds: float, reach: Reach, tries: int = CONNECT_TRIES) -> socket.socket:
    """Open a TCP connection, `seconds` for each try; Unreachable when all fail, otherwise as `resolve`."""
    failure: OSError = OSError("it has no address")
    addresses = resolve(host, port, reach)
    for attempt in range(tries):
        if attempt:
            sleep(PAUSE_SECONDS)
        deadline = time.monotonic() + seconds
        for number, address in enumerate(addresses):
            try:
                sock = _open(address, port, (deadline - time.monotonic()) / (len(addresses) - number))
            except OSError as error:
                failure = error
                continue
            failpoint("connection_open")
            sock.settimeout(seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise Unreachable(f"No connection to {host} port {port}: {words(failure)}. Nothing was sent.") from failure


def snmp_target(host: str, port: int, reach: Reach, seconds: float) -> Awaitable[SnmpTarget]:
    """Look a receiver of SNMP up and return what makes it a target of pysnmp, which looks nothing up any more.

    Errors as of `resolve`.
    """
    from pysnmp.hlapi.v3arch import asyncio as snmp

    address = resolve(host, port, reach, socket.SOCK_DGRAM)[0]
    kind = snmp.Udp6TransportTarget if ":" in address else snmp.UdpTransportTarget

    class Looked(kind):  # type: ignore[valid-type,misc]
        async def _resolve_address(self, transportAddr: tuple[str, int]) -> tuple[str, int]:  # noqa: N803
            return transportAddr

    made: Awaitable[SnmpTarget]
    made = Looked.create((address, port), timeout=seconds, retries=0)
    return made


def words(error: BaseException) -> str:
    """Return what went wrong, to stand within a sentence."""
    if isinstance(error, socket.timeout | TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:].rstrip(".")


def _looked_up(host: str, port: int, kind: int) -> list[str]:
    problem: Exception = OSError("it has no address")
    try:
        if answers := elsewhere(socket.getaddrinfo, host, port, 0, kind):
            return list(dict.fromkeys(str(item[4][0]) for item in answers))
    except (OSError, ValueError) as error:  # a name of nonsense is a ValueError
        problem = error
    log.info("%s is unknown: %s.", host, words(problem), extra={"action": "target.unknown", "host": host})
    raise Unreachable(f"No connection to {host} port {port}: {NOWHERE}. Nothing was sent.") from problem


def _open(address: str, port: int, seconds: float) -> socket.socket:
    """Open a TCP connection to an address; OSError when that fails."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        problem, deadline = sock.connect_ex((address, port)), time.monotonic() + seconds
        while problem == errno.EINPROGRESS:
            if ready(sock.fileno(), WRITE, deadline - time.monotonic()):
                problem = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            elif time.monotonic() > deadline:
                raise TimeoutError
        if problem:
            raise OSError(problem, os.strerror(problem))
    except OSError:
        sock.close()
        raise
    return sock
