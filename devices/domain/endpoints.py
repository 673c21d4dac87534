"""How a host and a port are written and read as one text, and which hosts can be none. Pure."""

from __future__ import annotations

import ipaddress

#: What stands in front of such an address, to end a sentence.
LINK_LOCAL = (
    "is a link-local address: it means another machine on each wire. Give an address that is routed, or a name."
)


def spelled(host: str, port: int) -> str:
    """Return `host:port`, with an address of IPv6 in brackets."""
    host = host.lower()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parsed(text: str) -> tuple[str, int]:
    """Return host and port (0: none) of what `spelled` wrote; earlier releases wrote no brackets."""
    host, _, port = text.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port or 0)


def normal_host(text: str) -> str:
    """Return the one spelling of where to connect: an address, with or without brackets, or a name, as it is.

    ValueError with a sentence for an address that leads nowhere by itself: one with a zone, or a link-local one.
    """
    host = text.strip()
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in bare:
        raise ValueError("An address with a zone (the part after %) cannot be used.")
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        if ":" in host or host != bare:
            raise ValueError(f"'{host[:60]}' is neither an address nor a name; the port stands apart.") from None
        return host
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    one = mapped or found
    if one.is_link_local:
        raise ValueError(f"{one} {LINK_LOCAL}")
    return str(one)
