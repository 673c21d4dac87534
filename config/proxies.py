"""Who asks: what a proxy says of it is believed from the proxies that `INTERLOCK_TRUSTED_PROXIES` names, and from
nobody else. Behind this, `REMOTE_ADDR` is the client's address and a forwarded scheme is true."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

#: What proxies say; from others it is taken out of the request.
FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
#: The name, among the trusted proxies, of one that comes through a unix socket and so has no address.
UNIX = "unix"


class TrustedProxies:
    """Puts the client's address in place of a trusted proxy's, and forgets what others say they forward."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        if is_trusted(peer):
            request.META["REMOTE_ADDR"] = client_of(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""))
        else:
            for name in FORWARDED:
                request.META.pop(name, None)
        return self.get_response(request)


def is_trusted(peer: str) -> bool:
    """Say whether an address is a trusted proxy's."""
    named = settings.TRUSTED_PROXIES
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return not peer and UNIX in named
    return any(address in ipaddress.ip_network(network, strict=False) for network in named if network != UNIX)


def client_of(peer: str, forwarded: str) -> str:
    """Return the last address of `X-Forwarded-For` that is no trusted proxy: anybody can write what is before it."""
    found = peer
    for part in reversed(forwarded.split(",")[-20:]):
        try:
            found = str(ipaddress.ip_address(part.strip()))
        except ValueError:
            return found
        if not is_trusted(found):
            return found
    return found
