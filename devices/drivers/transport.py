"""Bytes to and from a device over SSH, with Paramiko's low-level Transport tuned for many short sessions.

What is tuned and why (measured in `docs/explanation/performance.md`): TCP_NODELAY, 64 KiB socket reads, no thread and
no timer for each connection (`pump`), curve25519 and AES-GCM first. Nothing here knows prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import paramiko

from devices.domain.errors import SessionLost
from devices.domain.secrets import Login
from devices.drivers.doors import words
from devices.drivers.handshake import Endpoint, Pin, check_host_key, shake_hands
from devices.drivers.login import log_in
from devices.drivers.paramiko_transport import OfferingTransport, PumpedTransport
from devices.drivers.tunnel import open_way

#: Not the end, but nothing yet.
NOTHING = b"\0nothing came"


class Command(Protocol):
    """One command that runs: `SshCommand`."""

    def recv(self, timeout: float) -> bytes: ...
    def status(self) -> int | None: ...
    def close(self) -> None: ...


class Transport(Protocol):
    """An open shell: bytes out, bytes in. `recv` waits up to `timeout` seconds; b"" means nothing came."""

    def execute(self, command: str, given: bytes) -> Command:
        """Start a command beside the shell, on a channel of its own, with its whole input."""

    def send(self, data: bytes) -> None:
        """Send all of it; SessionLost when the connection is gone."""

    def recv(self, timeout: float) -> bytes:
        """Return what came, at least one byte, or b"" after the time; SessionLost at the end of the connection."""

    @property
    def is_open(self) -> bool:
        """Say whether the other side has not ended the connection."""

    @property
    def peer(self) -> str:
        """The address that is connected to; empty where it is not known."""

    def close(self) -> None:
        """End it; may be called twice and from another thread."""


class SshCommand:
    """One command on a channel of its own. `recv` returns NOTHING while nothing comes, and b"" at the end."""

    def __init__(self, transport: OfferingTransport, channel: paramiko.Channel) -> None:
        self._transport, self._channel = transport, channel

    def recv(self, timeout: float) -> bytes:
        """Return what the command printed within so many seconds."""
        try:
            data = self._transport.receive(self._channel, timeout)
        except OSError as error:
            raise SessionLost("The connection ended.") from error
        return NOTHING if data is None else data

    def status(self) -> int | None:
        """Return the exit status; None when the channel ended without one."""
        found = self._channel.recv_exit_status() if self._channel.status_event.wait(5) else -1
        return None if found == -1 else found

    def close(self) -> None:
        """End the channel."""
        self._channel.close()


class SshTransport:
    """One SSH connection, with one shell on it where one was asked for."""

    def __init__(
        self,
        transport: OfferingTransport,
        channel: paramiko.Channel | None,
        under: Sequence[OfferingTransport] = (),
    ) -> None:
        self._transport, self._shell, self._under = transport, channel, under
        self.peer = "" if under else _peer_of(transport)

    def open_shell(self, seconds: float) -> None:
        """Open the shell, within so many seconds."""
        channel = self._transport.open_session(timeout=seconds)
        channel.get_pty(term="vt100", width=511, height=1000)
        channel.invoke_shell()
        self._shell = channel

    @property
    def _channel(self) -> paramiko.Channel:
        if self._shell is None:
            raise SessionLost("No shell was opened on this connection.")
        return self._shell

    @property
    def channel(self) -> paramiko.Channel:
        """The shell."""
        return self._channel

    def execute(self, command: str, given: bytes) -> SshCommand:
        """Start a command on a channel of its own; it reads what is given, then the end of its input."""
        try:
            channel = self._transport.open_session(timeout=20)
            channel.set_combine_stderr(True)
            channel.exec_command(command)
            self._transport.give(channel, given)
            channel.shutdown_write()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise SessionLost(f"The device did not take the command: {words(error)}.") from error
        return SshCommand(self._transport, channel)

    def send(self, data: bytes) -> None:
        try:
            self._transport.give(self._channel, data)
        except (OSError, EOFError) as error:
            raise SessionLost("The connection ended while a line was being sent.") from error

    def recv(self, timeout: float) -> bytes:
        try:
            data = self._transport.receive(self._channel, timeout)
        except OSError as error:
            raise SessionLost("The connection ended.") from error
        if data is None:
            return b""
        if not data:
            raise SessionLost("The device closed the connection.")
        return data

    @property
    def is_open(self) -> bool:
        self._transport.look()
        return self._transport.is_active() and not (self._shell and self._shell.closed)

    def close(self) -> None:
        for transport in (self._transport, *reversed(self._under)):
            transport.close()


def open_ssh(
    endpoint: Endpoint,
    login: Login,
    pin: Pin,
    shell: bool = True,
    kind: type[OfferingTransport] = PumpedTransport,
) -> SshTransport:
    """Connect, over jump hosts if the endpoint has any, check the host key, log in once, open a shell if wanted.

    `pin` receives the fingerprint at first contact.

    Only the TCP connection is tried twice; a refused login never is. With the usual `kind` the calling thread alone may
    use the connection, and any other may close it.
    """
    way = open_way(endpoint, kind)
    try:
        transport = shake_hands(way.sock, endpoint, way.kind, f"{endpoint.host} port {endpoint.port}")
    except BaseException:
        way.close()
        raise
    opened = SshTransport(transport, None, way.under)
    try:
        check_host_key(transport, endpoint.host_key, pin)
        log_in(transport, login)
        if shell:
            opened.open_shell(endpoint.login_timeout)
    except (paramiko.SSHException, EOFError, OSError) as error:
        opened.close()
        raise SessionLost(f"The device ended the connection during login: {words(error)}.") from error
    except BaseException:
        opened.close()
        raise
    return opened


def _peer_of(transport: OfferingTransport) -> str:
    try:
        return str(transport.getpeername()[0])
    except (OSError, AttributeError, IndexError):
        return ""
