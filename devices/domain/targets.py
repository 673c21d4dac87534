"""Where an address leads, and whether somebody may connect there. Pure: names are looked up by `devices.drivers.doors`.

An address of IPv6 may lead to one of IPv4, by a translator or a tunnel; both must be allowed then.
"""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
EVERYWHERE = ("0.0.0.0/0", "::/0")
#: Networks of IPv6 whose addresses end with one of IPv4: compatible and mapped ones (RFC 4291, 2.5.5), those of
#: translators (RFC 2765, 6052, 8215).
OF_IPV4 = [
    ipaddress.IPv6Network(network)
    for network in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
]
#: The third word from the end of an address of ISATAP (RFC 5214, 6.1), but for its bit `u`; one of IPv4 follows.
ISATAP = 0x00005EFE
ISATAP_MASK = 0xFDFFFFFF
#: How many verdicts are remembered.
REMEMBERED = 8192


@dataclass(frozen=True, slots=True)
class Reach:
    """Where may be connected to: networks (CIDR); what is allowed wins over what is denied.

    `names`: whether names are looked up. `public`: private addresses must be allowed by name, too. Who says nothing
    reaches nothing.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = EVERYWHERE
    names: bool = True
    public: bool = False


def literal(host: str) -> str:
    """Return the one spelling of an address; empty for what is a name, as other spellings (`127.1`, `0x7f000001`)
    are. `localhost` is an address everywhere (RFC 6761)."""
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


@functools.lru_cache(REMEMBERED)
def obstacle(address: str, reach: Reach) -> str:
    """Return why an address must not be connected to, to follow "it is"; empty where it may be."""
    if "%" in address:
        return "an address with a zone"
    for one in meant(ipaddress.ip_address(address)):
        if any(one in network for network in _networks(reach.allowed)):
            continue
        if network := next((found for found in _networks(reach.denied) if one in found), None):
            return f"{one}, in the denied network {network}"
        if reach.public and (not one.is_global or one.is_multicast):
            return f"{one}, not a public address"
    return ""


def is_nowhere(address: str) -> bool:
    """Say whether an address is that of no machine, from wherever one looks: link-local (with the metadata of clouds),
    a group, everybody, unspecified, or with a zone."""
    if "%" in address:
        return True
    return any(
        one.is_link_local or one.is_multicast or one.is_unspecified or str(one) == "255.255.255.255"
        for one in meant(ipaddress.ip_address(address))
    )


def is_allowed(address: str, reach: Reach) -> bool:
    """Say whether an address, and all to which it leads, are in networks that are allowed by name."""
    return not obstacle(address, Reach(allowed=reach.allowed))


def meant(found: Address) -> list[Address]:
    """Return an address, and those of IPv4 to which it leads."""
    number = int(found)
    if isinstance(found, ipaddress.IPv4Address) or number < 2:  # `::` and `::1` lead nowhere else
        return [found]
    within = [found.sixtofour, *(found.teredo or ())]
    if any(found in network for network in OF_IPV4) or number >> 32 & ISATAP_MASK == ISATAP:
        within.append(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    return [found, *(one for one in within if one)]


@functools.cache
def _networks(texts: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(text) for text in texts]
