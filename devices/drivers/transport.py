"""Bytes to and from a device over SSH, with Paramiko's low-level Transport tuned for many short sessions.

What is tuned and why (measured in `docs/explanation/performance.md`): TCP_NODELAY, 64 KiB socket reads, no thread and
no timer for each connection (`pump`), curve25519 and AES-GCM first. Nothing here knows prompts.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import paramiko
from paramiko.auth_handler import AuthHandler

from devices.domain.errors import (
    AlgorithmsRefused,
    DeviceError,
    HostKeyChanged,
    LoginRefused,
    SessionLost,
    Unreachable,
)
from devices.domain.secrets import Login
from devices.domain.targets import Reach
from devices.drivers.doors import connect, words
from devices.drivers.paramiko_transport import OfferingTransport, PumpedTransport

SHA1 = {
    "kex": ["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"],
    "keys": ["ssh-rsa"],
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
    "pubkeys": ["ssh-rsa"],
}
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
#: A question at login that asks for the password, whatever names the service or the user before it.
PASSWORD = re.compile(r"^\s*(?:\S{1,80}\s+){0,4}\S{0,40}password\b[^:\n]{0,40}:?\s*$", re.IGNORECASE)
#: One that asks for something else: a new password, the same again, or a second factor.
NOT_THE_PASSWORD = re.compile(
    r"\b(?:new|again|re-?type|re-?enter|confirm|verify|one.?time|otp|token|second|next|dynamic|sms|pin|code)\b",
    re.IGNORECASE,
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to connect and what to expect there; nothing is connected to beyond `reach`.

    Times are in seconds.
    """

    host: str
    port: int = 22
    host_key: str = ""
    legacy: bool = False
    telnet: bool = False
    reach: Reach = Reach()
    connect_timeout: float = 8.0
    login_timeout: float = 20.0


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

    def __init__(self, transport: OfferingTransport, channel: paramiko.Channel | None) -> None:
        self._transport, self._shell = transport, channel
        self.peer = _peer_of(transport)

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
        self._transport.close()


def open_ssh(
    endpoint: Endpoint,
    login: Login,
    pin: Callable[[str], None],
    shell: bool = True,
    kind: type[OfferingTransport] = PumpedTransport,
) -> SshTransport:
    """Connect, check the host key, log in once, open a shell if wanted.

    `pin` receives the fingerprint at first contact.

    Only the TCP connection is tried twice; a refused login never is. With the usual `kind` the calling thread alone may
    use the connection, and any other may close it.
    """
    transport = _handshake(endpoint, kind)
    try:
        _check_host_key(transport, endpoint, pin)
        _log_in(transport, endpoint, login)
        channel = None
        if shell:
            channel = transport.open_session(timeout=endpoint.login_timeout)
            channel.get_pty(term="vt100", width=511, height=1000)
            channel.invoke_shell()
    except DeviceError:
        transport.close()
        raise
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        raise SessionLost(f"The device ended the connection during login: {words(error)}.") from error
    return SshTransport(transport, channel)


def _peer_of(transport: OfferingTransport) -> str:
    try:
        return str(transport.getpeername()[0])
    except (OSError, AttributeError, IndexError):
        return ""


def fingerprint(key: paramiko.PKey) -> str:
    """Return the OpenSSH form of a host key's SHA-256."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _handshake(endpoint: Endpoint, kind: type[OfferingTransport]) -> OfferingTransport:
    where = f"{endpoint.host} port {endpoint.port}"
    sock = connect(endpoint.host, endpoint.port, endpoint.connect_timeout, endpoint.reach)
    transport = kind(sock, disabled_algorithms=None if endpoint.legacy else SHA1)
    transport.banner_timeout = transport.auth_timeout = endpoint.login_timeout
    options = transport.get_security_options()
    options.ciphers = [*CIPHERS, *[c for c in options.ciphers if c not in CIPHERS]]
    try:
        transport.start_client(timeout=endpoint.connect_timeout + endpoint.login_timeout)
    except paramiko.ssh_exception.IncompatiblePeer as error:
        transport.close()
        hint = "" if endpoint.legacy else " If it is an old device, switch on 'legacy SSH' for it."
        raise AlgorithmsRefused(
            f"{where} and Interlock share no SSH algorithm. The device offers: {transport.offered}.{hint}"
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        raise Unreachable(f"{where} answers, but not as an SSH server: {words(error)}. Nothing was sent.") from error
    return transport


def _check_host_key(transport: paramiko.Transport, endpoint: Endpoint, pin: Callable[[str], None]) -> None:
    shown = fingerprint(transport.get_remote_server_key())
    if not endpoint.host_key:
        pin(shown)
    elif shown != endpoint.host_key:
        raise HostKeyChanged(
            f"The device shows host key {shown}, but {endpoint.host_key} is pinned. No password was sent. "
            "If the device was replaced, forget the pinned key on its page; if not, find out who answers there."
        )


def login_refused(login: Login) -> LoginRefused:
    """Return the error of a login that the device did not take."""
    return LoginRefused(f"The device refused the login of '{login.username}'. It was tried once; check the credential.")


def _log_in(transport: OfferingTransport, endpoint: Endpoint, login: Login) -> None:
    refused = login_refused(login)
    try:
        if login.private_key:
            transport.auth_publickey(login.username, _private_key(login))
        else:
            _log_in_by_password(transport, login)
    except (paramiko.AuthenticationException, paramiko.BadAuthenticationType) as error:
        raise refused from error
    if not transport.is_authenticated():
        raise refused


def _log_in_by_password(transport: OfferingTransport, login: Login) -> None:
    """Give the password, or answer with it the one question for it where the device only asks questions."""

    unanswered: list[str] = []
    given: list[str] = []

    def answer(title: str, instructions: str, questions: list[tuple[str, bool]]) -> list[str]:
        asked = [question for question, _ in questions]
        if not asked:
            return []
        if given or not all(PASSWORD.search(text) and not NOT_THE_PASSWORD.search(text) for text in asked):
            unanswered.append(" ".join(asked)[:120].strip())
            raise LoginRefused("not answered")
        given.extend(asked)
        return [login.password.reveal() for _ in asked]

    try:
        transport.auth_password(login.username, login.password.reveal(), fallback=False)
    except paramiko.BadAuthenticationType as error:
        if "keyboard-interactive" not in error.allowed_types:
            raise
        event = transport.event()
        transport.auth_handler = second = _SecondMethod(transport)
        try:
            second.auth_interactive(login.username, answer, event, "")  # type: ignore[no-untyped-call]
            second.wait_for_response(event)  # type: ignore[no-untyped-call]
        except (paramiko.SSHException, DeviceError, EOFError) as refused:
            if not unanswered:
                raise
            after = " after the password" if given else ""
            raise LoginRefused(
                f"The device asks '{unanswered[0]}' at login{after}, which is not answered: the password answers the "
                "question for the password only, and once."
            ) from refused


class _SecondMethod(AuthHandler):
    """Tries another method of login without asking for the login service again, which strict servers refuse."""

    def _request_auth(self) -> None:
        granted = paramiko.Message()
        granted.add_string("ssh-userauth")
        granted.rewind()
        self._parse_service_accept(granted)  # type: ignore[attr-defined]


def _private_key(login: Login) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(login.private_key.reveal()))
        except (paramiko.SSHException, ValueError):
            continue
    raise LoginRefused("The SSH key of the credential cannot be read; store it again in OpenSSH or PEM form.")
