"""Netmiko behind our own session: it logs in over Telnet and prepares the device types that only it knows.

Over SSH the connection is ours (`open_ssh`: pinned host key, one login, our algorithms); over Telnet it is Netmiko's.
What is sent afterwards, how long is waited and what counts as a rejection is `Session`'s, as on every platform.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from devices.domain.errors import DeviceError, EnableRefused, NotSpoken, SessionLost, Unreachable
from devices.domain.secrets import Login
from devices.drivers.handshake import Endpoint
from devices.drivers.login import login_refused
from devices.drivers.paramiko_transport import OfferingTransport
from devices.drivers.platform import Platform
from devices.drivers.session import Session
from devices.drivers.transport import SshCommand, open_ssh
from devices.drivers.tunnel import Way, open_way

if TYPE_CHECKING:
    from netmiko import BaseConnection
    from paramiko import Channel

#: Seconds between two looks for output; Netmiko's channels do not wait.
LOOK_SECONDS = 0.02


class NetmikoTransport:
    """Netmiko's channel as ours (`devices.drivers.transport.Transport`)."""

    def __init__(self, connection: BaseConnection, close: Callable[[], None], peer: str = "") -> None:
        self._connection, self._close, self.peer = connection, close, peer
        self.is_open = True

    def execute(self, command: str, given: bytes) -> SshCommand:
        """Commands beside the shell are for our own platforms."""
        raise NotSpoken("Scripts cannot be given to this platform.")

    def send(self, data: bytes) -> None:
        """Send it with the line ending that the platform wants; SessionLost when the connection is gone."""
        text = data.decode()
        try:
            self._connection.channel.write_channel(text.replace("\r", self._connection.RETURN))
        except (OSError, EOFError) as error:
            self.is_open = False
            raise SessionLost("The connection ended while a line was being sent.") from error

    def recv(self, timeout: float) -> bytes:
        """Return what came, or b"" after the time; SessionLost at the end of the connection."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                text = self._connection.channel.read_channel()
            except (OSError, EOFError, self._read_error) as error:
                self.is_open = False
                raise SessionLost("The device closed the connection.") from error
            if text:
                return str(text).encode()
            if getattr(self._connection.remote_conn, "closed", False):
                self.is_open = False
                raise SessionLost("The device closed the connection.")
            if time.monotonic() >= deadline:
                return b""
            time.sleep(LOOK_SECONDS)

    @property
    def _read_error(self) -> type[Exception]:
        import netmiko

        return netmiko.exceptions.ReadException

    def close(self) -> None:
        """End it."""
        self.is_open = False
        self._close()


class NetmikoSession(Session):
    """A session on a device type that Netmiko prepared: its name is known, privileged mode entered, paging off."""

    def __init__(
        self, connection: BaseConnection, transport: NetmikoTransport, platform: Platform, cancelled: Callable[[], None]
    ) -> None:
        super().__init__(transport, platform, cancelled=cancelled)
        self._connection = connection

    def open(self, login: Login, *, changes: bool = True) -> str:
        """Enter privileged mode where there is one, and learn the prompt."""
        from netmiko.exceptions import NetmikoBaseException

        connection = self._connection
        try:
            if login.enable_password and not connection.check_enable_mode():
                connection.enable()
        except (ValueError, NetmikoBaseException) as error:
            raise EnableRefused(
                "The device did not enter privileged mode. The enable password was tried once; check the credential."
            ) from error
        except (OSError, EOFError) as error:
            raise SessionLost("The device closed the connection.") from error
        name = connection.base_prompt.strip()
        if not name:
            raise NotSpoken("The device shows no prompt with a name.")
        self._reader.prompts.know(name)
        return ""


def open_netmiko(
    endpoint: Endpoint, login: Login, pin: Callable[[str], None], platform: Platform, cancelled: Callable[[], None]
) -> Session:
    """Connect and log in. Our own platforms come here for Telnet only and are then driven as over SSH."""
    own = not platform.netmiko
    kind = f"{platform.key}_telnet" if endpoint.telnet else platform.key
    if endpoint.telnet and not platform.telnet:
        raise NotSpoken("The Telnet login of this platform is not known; use SSH.")
    connection = _connection(kind, endpoint, login)
    close: Callable[[], None]
    if endpoint.telnet:
        _once(connection, login)
        way = open_way(endpoint, OfferingTransport)
        close = lambda: _close(connection, way)  # noqa: E731
        peer = "" if way.under else str(way.sock.getpeername()[0])
        _adopt_telnet(connection, way.sock)
    else:
        ssh = open_ssh(endpoint, login, pin, kind=OfferingTransport)
        close, peer = ssh.close, ssh.peer
        _adopt(connection, ssh.channel)
    transport = NetmikoTransport(connection, close, peer)
    try:
        _log_in(connection, endpoint, login, prepare=not own)
    except DeviceError:
        transport.close()
        raise
    if own:
        transport.send(b"\r")  # the first prompt was read during login
    return (
        Session(transport, platform, cancelled=cancelled)
        if own
        else NetmikoSession(connection, transport, platform, cancelled)
    )


def _connection(kind: str, endpoint: Endpoint, login: Login) -> BaseConnection:
    """Return Netmiko's object for a device type, not connected yet."""
    import netmiko

    return netmiko.ConnectHandler(
        device_type=kind,
        host=endpoint.host,
        port=endpoint.port,
        username=login.username,
        password=login.password.reveal(),
        secret=login.enable_password.reveal(),
        auto_connect=False,
        conn_timeout=endpoint.connect_timeout,
        banner_timeout=endpoint.login_timeout,
        auth_timeout=endpoint.login_timeout,
        read_timeout_override=endpoint.login_timeout,
        allow_auto_change=False,
    )


def _adopt(connection: BaseConnection, channel: Channel) -> None:
    """Give Netmiko a shell that is open already, in the place of one that it would open itself."""
    from netmiko.channel import SSHChannel

    def take(*args: object, **kwargs: object) -> None:
        connection.remote_conn = channel
        connection.channel = SSHChannel(conn=channel, encoding=connection.encoding)
        connection.special_login_handler()

    connection.establish_connection = take  # type: ignore[method-assign]  # its own would open a second shell


def _adopt_telnet(connection: BaseConnection, sock: socket.socket) -> None:
    """Give Netmiko a connection over which it then logs in, in the place of one that it would open itself."""
    from netmiko._telnetlib.telnetlib import Telnet
    from netmiko.channel import TelnetChannel

    def take(*args: object, **kwargs: object) -> None:
        telnet = Telnet()  # type: ignore[no-untyped-call]
        telnet.sock, telnet.timeout = sock, connection.conn_timeout
        connection.remote_conn = telnet
        connection.channel = TelnetChannel(conn=telnet, encoding=connection.encoding)
        connection.telnet_login()

    connection.establish_connection = take  # type: ignore[method-assign]  # its own would look the name up again


def _once(connection: BaseConnection, login: Login) -> None:
    """See that the password is given once: Netmiko would answer a device that asks again."""
    write, given = connection.write_channel, [0]

    def guarded(out_data: str) -> None:
        if login.password and out_data.rstrip() == login.password.reveal():
            given[0] += 1
            if given[0] > 1:
                raise login_refused(login)
        write(out_data)

    connection.write_channel = guarded  # type: ignore[method-assign]  # it has no place for a guard


def _log_in(connection: BaseConnection, endpoint: Endpoint, login: Login, prepare: bool) -> None:
    import netmiko
    from netmiko.exceptions import NetmikoBaseException
    from paramiko import SSHException

    where = f"{endpoint.host} port {endpoint.port}"
    try:
        connection._modify_connection_params()
        connection.establish_connection()
        if prepare:
            connection._try_session_preparation()
    except netmiko.NetmikoAuthenticationException as error:
        raise login_refused(login) from error
    except (ConnectionRefusedError, TimeoutError, netmiko.NetmikoTimeoutException) as error:
        raise Unreachable(f"No login at {where}: {_first(error)}. Nothing was sent.") from error
    except (OSError, EOFError, NetmikoBaseException, SSHException, ValueError) as error:
        raise SessionLost(f"The device ended the connection during login: {_first(error)}.") from error


def _close(connection: BaseConnection, way: Way) -> None:
    if connection.remote_conn is not None:
        connection.remote_conn.close()
    way.close()


def _first(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(".")
