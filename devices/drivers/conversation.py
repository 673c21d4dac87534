"""Connect to a device and get the kind of session that its platform wants."""

from __future__ import annotations

from collections.abc import Callable

from devices.domain.secrets import Login
from devices.drivers.commands import CommandSession
from devices.drivers.console import ConsoleSession
from devices.drivers.handshake import Endpoint
from devices.drivers.netmiko_session import open_netmiko
from devices.drivers.platform import Platform
from devices.drivers.session import Session
from devices.drivers.transport import open_ssh

AnySession = Session | CommandSession


def open_session(
    endpoint: Endpoint,
    login: Login,
    pin: Callable[[str], None],
    platform: Platform,
    cancelled: Callable[[], None] = lambda: None,
) -> AnySession:
    """Connect and log in (`open_ssh`, or Netmiko); the caller then opens the session and closes it."""
    if endpoint.telnet or platform.netmiko:
        return open_netmiko(endpoint, login, pin, platform, cancelled)
    if endpoint.console:
        return ConsoleSession(open_ssh(endpoint, login, pin), platform, cancelled=cancelled)
    transport = open_ssh(endpoint, login, pin, shell=platform.shell)
    return (
        Session(transport, platform, cancelled=cancelled)
        if platform.shell
        else CommandSession(transport, cancelled=cancelled)
    )
