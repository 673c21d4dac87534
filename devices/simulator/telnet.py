"""The Telnet side of the fleet: a login in clear text, then the same shell as over SSH."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from devices.simulator.server import Connection, Listener, Shell
from devices.simulator.state import Device

#: The server echoes and suppresses go-ahead (RFC 854, 857, 858).
GREETING = bytes([255, 251, 1, 255, 251, 3])
#: Failed logins before the connection is closed.
LOGIN_TRIES = 3


class Channel:
    """What a shell needs of its connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, data: str) -> None:
        """Send text."""
        self._writer.write(data.encode())

    def exit(self, status: int) -> None:
        """End the connection."""
        self._writer.close()

    def get_connection(self) -> Connection:
        """Return what `abort` ends."""
        return self._writer.transport


async def serve(device: Device, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask for user and password, at most three times; then be a shell until the other side is gone."""
    if device.is_down:
        writer.transport.abort()
        return
    writer.write(GREETING + b"\r\nUser Access Verification\r\n\r\n")
    try:
        for _ in range(LOGIN_TRIES):
            name, word = await _ask(b"Username: ", reader, writer), await _ask(b"Password: ", reader, writer)
            if device.lets_in(name, word):
                break
            writer.write(b"\r\n% Login invalid\r\n\r\n")
        else:
            return
        shell = Shell(device)
        shell.connection_made(Channel(writer))
        shell.session_started()
        while data := await reader.read(4096):
            shell.data_received(_plain(data).decode(errors="replace"), None)
        shell.connection_lost(None)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


def beside(port: int) -> Callable[[Device], Awaitable[Listener]]:
    """Return what opens the Telnet port of a device."""

    async def listen(device: Device) -> Listener:
        return await asyncio.start_server(lambda r, w: serve(device, r, w), device.spec.address, port)

    return listen


async def _ask(question: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    writer.write(question)
    line = b""
    while not line.endswith((b"\r", b"\n")):
        line += _plain(await reader.readexactly(1) if line else await _first(reader))
    return line.strip().decode(errors="replace")


async def _first(reader: asyncio.StreamReader) -> bytes:
    """Return the first byte of an answer: no negotiation, and no end of the line before."""
    while True:
        byte = await reader.readexactly(1)
        if byte == b"\xff":
            await reader.readexactly(2)
        elif byte not in (b"\r", b"\n", b"\0"):
            return byte


def _plain(data: bytes) -> bytes:
    """Take the negotiation out of what came, and the NUL after a carriage return."""
    out, at = bytearray(), 0
    while at < len(data):
        if data[at] == 255:
            at += 3
            continue
        out.append(data[at])
        at += 1
    return bytes(out).replace(b"\0", b"")
