"""The way to a device over jump hosts: one SSH connection inside the other, each belonging to one session alone.

A connection that several sessions shared would have to be read by one of them for the others, and would take them all
along when it ends; so each session logs in to its jump hosts by itself. Nothing of this is on the direct way.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import cast

import paramiko
from greenlet import getcurrent

from devices.domain.endpoints import spelled
from devices.domain.errors import (
    ForwardingRefused,
    JumpLoginRefused,
    LoginRefused,
    TargetDenied,
    Unreachable,
)
from devices.drivers.doors import connect, look_behind, words
from devices.drivers.handshake import Endpoint, Hop, check_host_key, shake_hands
from devices.drivers.login import log_in
from devices.drivers.paramiko_transport import READ_SIZE, Given, OfferingTransport, PumpedTransport

#: By what a server says that it may not forward (RFC 4254, 5.1); everything else is about the address.
PROHIBITED = 1


class Tunnel:
    """What is like a socket to a connection that goes through another one."""

    def __init__(self, outer: PumpedTransport, channel: paramiko.Channel) -> None:
        self.outer, self.channel = outer, channel

    @property
    def has_ended(self) -> bool:
        """Say whether nothing comes any more."""
        return bool(self.channel.closed or self.channel.eof_received or not self.outer.is_active())

    def settimeout(self, seconds: float | None) -> None:
        """Who waits says how long."""

    def send(self, data: bytes) -> int:
        """Send all of it; OSError when the connection is gone."""
        self.outer.give(self.channel, data)
        return len(data)

    def fileno(self) -> int:
        """Return the number of the socket under it all."""
        return int(self.outer.sock.fileno())

    def getpeername(self) -> tuple[str, int]:
        """Nobody here connects to the device's address."""
        raise OSError("the other end is behind a jump host")

    def shutdown(self, how: int) -> None:
        """Cut the socket under it all; any thread may."""
        self.outer.sock.shutdown(how)

    def close(self) -> None:
        """End the connection that it goes through."""
        self.outer.close()


class _GivenThrough(Given):
    def write_all(self, out: bytes) -> None:  # type: ignore[override]  # Paramiko gives bytes
        """Send all of it; EOFError when the connection is gone."""
        try:
            self._sock.send(out)
        except OSError as error:
            raise EOFError from error


class TunnelledTransport(PumpedTransport):
    """A connection through a `Tunnel`: whoever waits for something of it reads the connection outside it."""

    packetizer_kind = _GivenThrough
    sock: Tunnel  # type: ignore[assignment]

    def pump(self, seconds: float) -> bool:
        if getcurrent() is self._reader:
            raise paramiko.SSHException("The connection's own loop cannot wait for itself.")
        tunnel = self.sock
        if not tunnel.channel.recv_ready() and not tunnel.has_ended:
            came = tunnel.outer.pump(seconds)
            if not tunnel.channel.recv_ready() and not tunnel.has_ended:
                if self._socket.is_late:
                    self._resume()
                return came
        self._socket.given = tunnel.channel.recv(READ_SIZE) if tunnel.channel.recv_ready() else b""
        self._resume()
        return True

    def close(self) -> None:
        super().close()
        self.sock.close()

    def _takes_more(self) -> bool:
        return True  # the tunnel waits itself


class Way:
    """An open way to an endpoint: `sock`, or what is like one, the `kind` of connection over it, and the connections
    `under` it."""

    def __init__(
        self, sock: socket.socket, kind: type[OfferingTransport], under: Sequence[OfferingTransport] = ()
    ) -> None:
        self.sock, self.kind, self.under = sock, kind, under

    def close(self) -> None:
        """End the connections under it, the innermost first."""
        for transport in reversed(self.under):
            transport.close()


def open_way(endpoint: Endpoint, kind: type[OfferingTransport]) -> Way:
    """Connect to an endpoint, over its jump hosts; errors say which of them failed."""
    hops = endpoint.via
    if not hops:
        return Way(connect(endpoint.host, endpoint.port, endpoint.connect_timeout, endpoint.reach), kind)
    for host in (*(hop.host for hop in hops[1:]), endpoint.host):
        look_behind(host)
    try:
        sock = connect(hops[0].host, hops[0].port, endpoint.connect_timeout, endpoint.reach)
    except (Unreachable, TargetDenied) as error:
        raise type(error)(f"{hops[0].who} was not reached. {error.message}") from error
    under: list[OfferingTransport] = []
    way = Way(sock, kind, under)
    places = [*((hop.host, hop.port) for hop in hops[1:]), (endpoint.host, endpoint.port)]
    try:
        for number, (hop, place) in enumerate(zip(hops, places, strict=True)):
            under.append(_enter(way, hop, endpoint))
            following = hops[number + 1].who if number + 1 < len(hops) else "The device"
            channel = _forward(under[-1], hop, place, endpoint.connect_timeout, following)
            if isinstance(under[-1], PumpedTransport):
                way.sock, way.kind = cast("socket.socket", Tunnel(under[-1], channel)), TunnelledTransport
            else:
                way.sock = cast("socket.socket", channel)
    except BaseException:
        way.close()
        raise
    return way


def _enter(way: Way, hop: Hop, endpoint: Endpoint) -> OfferingTransport:
    """Log in to a jump host."""
    plain = Endpoint(
        host=hop.host,
        port=hop.port,
        connect_timeout=endpoint.connect_timeout,
        login_timeout=endpoint.login_timeout,
    )
    where = f"{hop.who} ({spelled(hop.host, hop.port)})"
    transport = shake_hands(way.sock, plain, way.kind, where, hop.who)
    try:
        check_host_key(transport, hop.host_key, hop.pin, hop.who)
        login, taken = hop.login(), None
        try:
            log_in(transport, login, hop.who)
            taken = True
        except LoginRefused as error:
            taken = False
            raise JumpLoginRefused(f"{error.message} The device was not reached.") from error
        finally:
            hop.said(taken)
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        raise Unreachable(f"{hop.who} ended the connection during login: {words(error)}. Nothing was sent.") from error
    except BaseException:
        transport.close()
        raise
    return transport


def _forward(
    transport: OfferingTransport, hop: Hop, place: tuple[str, int], seconds: float, following: str
) -> paramiko.Channel:
    """Open a connection from a jump host onwards; `following` is who is to be reached."""
    where = spelled(*place)
    try:
        return transport.open_channel("direct-tcpip", place, ("127.0.0.1", 0), timeout=seconds)
    except paramiko.ChannelException as error:
        if error.code == PROHIBITED:
            raise ForwardingRefused(
                f"{hop.who} lets nobody connect further to {where}: {error.text}. Its SSH server must allow it "
                "(AllowTcpForwarding, PermitOpen). Nothing was sent."
            ) from error
        raise Unreachable(
            f"{following} was not reached: {hop.who[0].lower()}{hop.who[1:]} has no connection to {where} "
            f"({error.text}). Nothing was sent."
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unreachable(
            f"{following} was not reached: {hop.who[0].lower()}{hop.who[1:]} made no connection to {where} "
            f"({words(error)}). Nothing was sent."
        ) from error
