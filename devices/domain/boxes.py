"""What tells one box from another: where it is reached, and its host key together with the name in its prompt.

A host key alone does not: the same one is on all that were made from one image. A place alone does not either: the same
private address leads elsewhere from another network, and one box has several addresses.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

#: Where a box listens unless somebody chose another port.
TELNET_PORT = 23
SSH_PORT = 22
#: So many names that a plan may give are held; each is a few rows.
MOST_NAMES = 8
#: A line that gives a box another name, on any platform.
RENAMING = re.compile(r"\b(?:host-?name|sysname|system name|switchname|set-hostname)[ \t]+[\"']?([\w.\-]{1,120})")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a box showed when it accepted a login: its host key (none over Telnet), the name in its prompt (none where
    it has no prompt), and the address that was really connected to."""

    host_key: str
    name: str
    reached: str


@dataclass(frozen=True, slots=True)
class Route:
    """From where a box is reached: the agent (id), the network of the process that connects for it, and the jump
    hosts between them (host, port), the first one first."""

    agent: int | None
    network: str
    hops: tuple[tuple[str, int], ...] = ()


def name_in(base: str) -> str:
    """Return the name of a box from the fixed part of its prompt, the same for each account and each spelling.

    Who shows `alice@core1:` to one and `bob@core1.example.net` to the other is one box.
    """
    prompt = base.rpartition("@")[2].strip("[]<>*: ~").rpartition(":")[2].strip()
    name = re.sub(r"[^a-z0-9._/\-]", "", prompt.lower())
    first = name.partition(".")[0]
    return (first if re.search(r"[a-z]", first) else name)[:120]


def names_after(lines: Iterable[str]) -> set[str]:
    """Return the names that a box may have after some lines were sent; the last few of many."""
    found = [name_in(name) for line in lines for name in RENAMING.findall(line)]
    return set(found[-MOST_NAMES:])


def places(route: Route, host: str, port: int, telnet: bool = False) -> list[str]:
    """Return the keys of where a box is reached; two that share one are the same box.

    One address and port lead to one box from one network, whichever agent connects, and from wherever one agent does. A
    box that is reached by Telnet is also the one that is reached there by SSH, on the usual ports. Behind a jump host
    one address leads to one box as far as the jump host is one: behind another, it is another box.
    """
    host, is_loopback = _spelled(host)
    if route.hops:
        is_loopback, host = _spelled(route.hops[0][0])[1], f"{way_mark(route.hops)}>{host}"
    ways = [f"net:{route.network}"] if is_loopback or route.agent is None else []
    ways = ways or [f"net:{route.network}", f"agent:{route.agent}"]
    ports = [port, SSH_PORT] if telnet and port == TELNET_PORT else [port]
    return [f"{way} {host}:{number}" for way in ways for number in ports]


def way_mark(hops: Sequence[tuple[str, int]]) -> str:
    """Return 16 hex digits that stand for the jump hosts (host, port) of a way; empty without any."""
    text = ">".join(f"{_spelled(host)[0]} {port}" for host, port in hops)
    return hashlib.sha256(text.encode()).hexdigest()[:16] if hops else ""


def sighted_at(hops: Sequence[tuple[str, int]], endpoint: str) -> str:
    """Return by what it is remembered where a box was seen: its endpoint, and the way there."""
    return f"{way_mark(hops)}>{endpoint}" if hops else endpoint


def identities(seen: Seen, further: Iterable[str] = ()) -> Iterator[str]:
    """Yield the keys of who a box is, by its present name and further ones that it may soon have; none without a host
    key, for a name alone proves nothing."""
    if seen.host_key:
        for name in sorted({seen.name, *further}):
            yield f"{seen.host_key} {name}"


def is_address(host: str) -> bool:
    """Say whether a host is an address, so that it is known without connecting where it leads."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _spelled(host: str) -> tuple[str, bool]:
    """Return the one spelling of a host, and whether it is this machine itself."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host.lower().rstrip("."), host.lower() == "localhost"
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found), (mapped or found).is_loopback
