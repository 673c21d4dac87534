"""The SSH side of the fleet: one asyncssh listener per address, sessions that echo, page and execute lines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import asyncssh
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devices.simulator.cli import Reply
from devices.simulator.clis import CLIS
from devices.simulator.state import CommandLog, Device, DeviceSpec, Scenario


class Connection(Protocol):
    """What a line goes over."""

    def abort(self) -> None:
        """Cut it."""


class Line(Protocol):
    """What a shell needs of its connection, over SSH as over Telnet."""

    def write(self, data: str) -> None:
        """Send text."""

    def exit(self, status: int) -> None:
        """End it, with the status of the command."""

    def get_connection(self) -> Connection:
        """Return what can be cut."""


class Listener(Protocol):
    """An open port."""

    def close(self) -> None:
        """Take no further connection."""


class Shell(asyncssh.SSHServerSession[str]):
    """One interactive session on one device."""

    def __init__(self, device: Device) -> None:
        self.device, self.cli = device, CLIS[device.spec.platform](device)
        device.sessions += 1
        self.number = device.sessions
        self.buffer = ""
        self.question: Reply | None = None
        self.pages: list[str] = []
        self.printed = ""
        self.shown = 0
        self.busy = False
        self.command: str | None = None

    def connection_made(self, chan: Line) -> None:
        self.chan = chan

    def pty_requested(self, term_type: object, term_size: object, term_modes: object) -> bool:
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        """Take a command instead of a shell; it runs when its whole input has come."""
        self.command = command
        return True

    def session_started(self) -> None:
        if self.command is not None:
            return
        self._print(self.cli.banner() + "\n")
        self._print(self.cli.prompt())

    def connection_lost(self, exc: Exception | None) -> None:
        self.cli.closed()

    def eof_received(self) -> bool:
        if self.command is not None:
            delay = float(self.device.faults().get("delay", 0))
            asyncio.get_event_loop().call_later(delay, self._execute, self.command, self.buffer, time.time())
        return self.command is not None

    def data_received(self, data: str, datatype: object) -> None:
        """Take what was typed; a line is executed when its end has come and nothing else is going on."""
        self.buffer += data
        if self.command is None:
            self._pump()

    def _execute(self, command: str, given: str, received: float) -> None:
        """Run a command on its own channel."""
        faults, device = self.device.faults(), self.device
        device.log.executed(device.spec.address, self.number, self.cli.mode(), command, received)
        if faults.hits("hang", command):
            return
        if faults.hits("reset", command):
            self._abort()
            return
        refused = faults.hits("reject", command)
        text, status = (self.cli.invalid(command), 1) if refused else self.cli.command(command, given)
        self._print(text)
        self._leave(status)

    def _pump(self) -> None:
        while self.buffer and not self.busy:
            if self.pages:
                key, self.buffer = self.buffer[0], self.buffer[1:]
                self._print("\b" * 10 + " " * 10 + "\b" * 10)
                self._next_page(stop=key in "qQ")
                continue
            line, found, rest = self.buffer.replace("\r\n", "\r").replace("\n", "\r").partition("\r")
            if not (self.question and self.question.hidden):
                self._print(line[self.shown :])
                self.shown = len(line)
            if not found:
                return
            self.buffer, self.shown = rest, 0
            self._line(line)

    def _line(self, line: str) -> None:
        question, self.question = self.question, None
        if question is not None and question.answer:
            self._print("\n")
            self._show(question.answer(line))
            return
        self._print("\n")
        if not line.strip() or (self.cli.comment and line.lstrip().startswith(self.cli.comment)):
            self._print(self.cli.prompt())
            return
        faults = self.device.faults()
        delay = float(faults.get("delay", 0))
        if delay:
            self.busy = True
            asyncio.get_event_loop().call_later(delay, self._run_late, line, time.time())
        else:
            self._run(line, time.time())

    def _run_late(self, line: str, received: float) -> None:
        self.busy = False
        self._run(line, received)
        self._pump()

    def _run(self, line: str, received: float) -> None:
        faults, device = self.device.faults(), self.device
        device.log.executed(device.spec.address, self.number, self.cli.mode(), line.strip(), received)
        if faults.hits("hang", line):
            return
        if faults.hits("reject", line):
            self._show(Reply(self.cli.invalid(line)))
            return
        if faults.hits("reboot", line):
            self._go_down(float(faults.get("down", 3.0)))
            return
        big = faults.get("big")
        if big and big[0] in line:
            row = "line of a very long answer 0123456789 abcdefghijklmnopqrstuvwxyz\n"
            self._show(Reply(row * (int(big[1]) // len(row) + 1)))
            return
        reply = self.cli.execute(line)
        once = faults.hits("reset_once", line) and not device.was_reset
        device.was_reset = device.was_reset or once
        if once or faults.hits("reset", line):
            self._print(reply.text[: int(faults.get("reset_after", 0))])
            self._abort()
            return
        self._show(reply)

    def _show(self, reply: Reply) -> None:
        if reply.reboot:
            self._go_down(reply.reboot)
            return
        if reply.bye:
            self._leave(0)
            return
        lines = reply.text.count("\n")
        if self.cli.paging and lines > self.cli.page and not reply.ask:
            rows = reply.text.splitlines(keepends=True)
            step = self.cli.page
            self.pages = ["".join(rows[i : i + step]) for i in range(0, len(rows), step)]
            self._next_page()
            return
        self._print(reply.text)
        if reply.ask:
            self.question = reply
            self._print(reply.ask)
        else:
            self._print(self.cli.prompt())

    def _next_page(self, stop: bool = False) -> None:
        if stop:
            self.pages = []
        else:
            self._print(self.pages.pop(0))
        self._print(self.cli.more() if self.pages else self.cli.prompt())

    def _go_down(self, seconds: float) -> None:
        self.device.reboot(seconds)
        self._abort()

    def _print(self, text: str) -> None:
        """Print with whatever else is printed at this moment, as one packet."""
        if text and not self.printed:
            asyncio.get_running_loop().call_soon(self._flush)
        self.printed += text

    def _flush(self) -> None:
        if self.printed:
            self.chan.write(self.printed.replace("\n", "\r\n"))
            self.printed = ""

    def _leave(self, status: int) -> None:
        self._flush()
        self.chan.exit(status)

    def _abort(self) -> None:
        self._flush()
        self.chan.get_connection().abort()


class Door(asyncssh.SSHServer):
    """Login to one device."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        if self.device.is_down:
            conn.abort()

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return not self.device.faults().get("keyboard")

    def kbdint_auth_supported(self) -> bool:
        return bool(self.device.faults().get("keyboard"))

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [(str(self.device.faults().get("keyboard")), False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return len(responses) == 1 and self.validate_password(username, responses[0])

    def validate_password(self, username: str, password: str) -> bool:
        return self.device.lets_in(username, password)

    def session_requested(self) -> Shell:
        return Shell(self.device)


#: Opens another listener of a device, for example for Telnet.
More = Callable[[Device], Awaitable[Listener]] | None


class Fleet:
    """All listeners. `start` opens them, `stop` closes them; devices whose scenario says `closed` have none."""

    def __init__(
        self, specs: list[DeviceSpec], port: int, scenario: Scenario, log: CommandLog, more: More = None
    ) -> None:
        self.specs, self.port, self.scenario, self.log, self._more = specs, port, scenario, log, more
        self.devices: dict[str, Device] = {}
        self._listeners: list[Listener] = []

    async def start(self) -> None:
        """Listen on every address; OSError names the first that cannot be had."""
        for spec in self.specs:
            device = self._device(spec)
            self.devices[spec.address] = device
            faults = self.scenario.of(spec.address)
            if faults.get("closed"):
                continue
            if self._more:
                self._listeners.append(await self._more(device))
            for address in (spec.address, *faults.get("also", ())):
                self._listeners.append(await self._listen(device, address, _key(spec.seed(faults.data))))

    async def _listen(self, device: Device, address: str, key: asyncssh.SSHKey) -> Listener:
        return await asyncssh.listen(
            address,
            self.port,
            server_factory=lambda: Door(device),
            server_host_keys=[key],
            encryption_algs=["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr"],
            kex_algs=[
                "curve25519-sha256",
                "curve25519-sha256@libssh.org",
                "ecdh-sha2-nistp256",
                "diffie-hellman-group14-sha256",
            ],
            compression_algs=["none"],
            line_editor=False,
            backlog=64,
            reuse_address=True,
            agent_forwarding=False,
            x11_forwarding=False,
            allow_scp=False,
            login_timeout=30,
            gss_host=None,
        )

    async def stop(self) -> None:
        """Close every listener."""
        for listener in self._listeners:
            listener.close()

    def _device(self, spec: DeviceSpec) -> Device:
        lines = CLIS[spec.platform].configuration(spec)
        return Device(
            spec=spec,
            faults=lambda: self.scenario.of(spec.address),
            log=self.log,
            running=lines,
            startup=list(lines),
            flash={"c2960x-15.2.7.E4.bin": 25_167_872, "c2960x-15.2.4.E10.bin": 23_068_672, "vlan.dat": 1_372},
            hostname=spec.name,
            started=time.monotonic() - 3600,
        )


def _key(seed: bytes) -> asyncssh.SSHKey:
    """Make the ed25519 host key that belongs to a seed of 32 bytes."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return asyncssh.import_private_key(pem)
