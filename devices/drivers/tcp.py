"""Where a device's name leads, asked once: what is looked at is what is connected to, and never a denied network."""

from __future__ import annotations

import errno
import functools
import ipaddress
import os
import socket
import time
from collections.abc import Sequence

from config.failpoints import failpoint
from devices.domain.errors import TargetDenied, Unreachable
from devices.drivers.hub import WRITE, elsewhere, ready, sleep

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Networks of IPv6 whose addresses end with one of IPv4: compatible ones, and those of translators (RFC 6052, 8215).
OF_IPV4 = [ipaddress.IPv6Network(network) for network in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")]
#: A connection is tried so often.
CONNECT_TRIES = 2
#: Between two tries.
PAUSE_SECONDS = 0.3


def resolve(host: str, port: int, denied: Sequence[str]) -> list[str]:
    """Return the addresses of a host; Unreachable when it has none, TargetDenied when one is in a denied network
    (CIDR)."""
    addresses = [host] if _is_address(host) else _looked_up(host, port)
    for address in addresses:
        if network := _network_of(address, denied):
            raise TargetDenied(
                f"{host} is {address}, in the network {network}, to which this installation never connects "
                "(INTERLOCK_DENIED_TARGETS). Nothing was sent."
            )
    return addresses


def connect(host: str, port: int, seconds: float, denied: Sequence[str]) -> socket.socket:
    """Open a TCP connection, at the second try if need be; Unreachable when that fails, TargetDenied as in
    `resolve`."""
    failure: OSError = OSError("it has no address")
    addresses = resolve(host, port, denied)
    for attempt in range(CONNECT_TRIES):
        if attempt:
            sleep(PAUSE_SECONDS)
        for address in addresses:
            try:
                sock = _open(address, port, seconds)
            except OSError as error:
                failure = error
                continue
            failpoint("connection_open")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise Unreachable(f"No connection to {host} port {port}: {words(failure)}. Nothing was sent.") from failure


def _looked_up(host: str, port: int) -> list[str]:
    try:
        found = elsewhere(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"No connection to {host} port {port}: {words(error)}. Nothing was sent.") from error
    return list(dict.fromkeys(str(item[4][0]) for item in found))


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
        sock.settimeout(seconds)
    except OSError:
        sock.close()
        raise
    return sock


def _is_address(host: str) -> bool:
    """Say whether it needs no looking up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def words(error: BaseException) -> str:
    """Return what went wrong, to stand within a sentence."""
    if isinstance(error, socket.timeout | TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:].rstrip(".")


def _network_of(address: str, denied: Sequence[str]) -> str:
    """Return the denied network that an address is in, or nothing.

    An IPv4 address within one of IPv6, by which a translator or a tunnel leads to it, is looked at as well.
    """
    meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
    return next((str(network) for network in _networks(tuple(denied)) if any(one in network for one in meant)), "")


def _meant(found: Address) -> list[Address]:
    """Return an address, and those of IPv4 to which it leads."""
    if isinstance(found, ipaddress.IPv4Address):
        return [found]
    within = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
    if any(found in network for network in OF_IPV4):
        within.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
    return [found, *(one for one in within if one)]


@functools.cache
def _networks(denied: tuple[str, ...]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(network) for network in denied]
