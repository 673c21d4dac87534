"""Begin an SSH connection over an open socket, or over what is like one: agree, check the host key."""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from devices.domain.errors import AlgorithmsRefused, HostKeyChanged, Unreachable
from devices.domain.secrets import Login
from devices.domain.targets import Reach
from devices.drivers.doors import words
from devices.drivers.paramiko_transport import OfferingTransport

SHA1 = {
    "kex": ["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"],
    "keys": ["ssh-rsa"],
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
    "pubkeys": ["ssh-rsa"],
}
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
Pin = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A jump host on the way to a device: `pin` receives its fingerprint at first contact; `login` is called when it is
    its turn, and `said` is told afterwards whether it took the login, None when it did not come to that."""

    name: str
    host: str
    port: int
    host_key: str
    login: Callable[[], Login]
    pin: Pin
    said: Callable[[bool | None], None] = lambda taken: None

    @property
    def who(self) -> str:
        """How a sentence about it begins."""
        return f"The jump host '{self.name}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to connect and what to expect there; nothing is connected to beyond `reach`.

    Times are in seconds. `via` are the jump hosts on the way, the first one first; each connection has its own to
    them. On a `console` it is a serial line that answers.
    """

    host: str
    port: int = 22
    host_key: str = ""
    legacy: bool = False
    telnet: bool = False
    console: bool = False
    reach: Reach = Reach()
    via: tuple[Hop, ...] = ()
    connect_timeout: float = 8.0
    login_timeout: float = 20.0


def fingerprint(key: paramiko.PKey) -> str:
    """Return the OpenSSH form of a host key's SHA-256."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def shake_hands(
    sock: socket.socket,
    endpoint: Endpoint,
    kind: type[OfferingTransport],
    where: str,
    who: str = "The device",
) -> OfferingTransport:
    """Return a connection over a socket, or over what is like one, before its login; AlgorithmsRefused, Unreachable."""
    transport = kind(sock, disabled_algorithms=None if endpoint.legacy else SHA1)
    transport.banner_timeout = transport.auth_timeout = endpoint.login_timeout
    options = transport.get_security_options()
    options.ciphers = [*CIPHERS, *[c for c in options.ciphers if c not in CIPHERS]]
    try:
        transport.start_client(timeout=endpoint.connect_timeout + endpoint.login_timeout)
    except paramiko.ssh_exception.IncompatiblePeer as error:
        transport.close()
        hint = (
            "" if endpoint.legacy or who != "The device" else " If it is an old device, switch on 'legacy SSH' for it."
        )
        raise AlgorithmsRefused(
            f"{where} and Interlock share no SSH algorithm. {who} offers: {transport.offered}.{hint}"
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        raise Unreachable(f"{where} answers, but not as an SSH server: {words(error)}. Nothing was sent.") from error
    except BaseException:
        transport.close()
        raise
    return transport


def check_host_key(transport: paramiko.Transport, pinned: str, pin: Pin, who: str = "The device") -> None:
    """Compare the key that is shown with the pinned one, or pin it; HostKeyChanged."""
    shown = fingerprint(transport.get_remote_server_key())
    if not pinned:
        pin(shown)
    elif shown != pinned:
        raise HostKeyChanged(
            f"{who} shows host key {shown}, but {pinned} is pinned. No password was sent. "
            f"If it was replaced, forget the pinned key on its page; if not, find out who answers there."
        )
