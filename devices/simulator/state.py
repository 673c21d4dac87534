"""What one simulated device is and remembers: identity, configurations, flash, faults, and its own command log."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from config.json_value import Json


@dataclass(slots=True)
class DeviceSpec:
    """One entry of the fleet: where it listens, what it plays, and who may log in."""

    address: str
    platform: str
    name: str
    username: str = "netops"
    password: str = "demo-login"  # noqa: S105 - the simulated fleet's own, fixed password
    enable: str = "demo-enable"

    def seed(self, faults: Mapping[str, Json]) -> bytes:
        """Return 32 bytes that stay the same for this address, or this image, from which the host key is made."""
        if image := faults.get("image"):
            return hashlib.sha256(f"interlock-fleet-image:{image}".encode()).digest()
        return hashlib.sha256(f"interlock-fleet:{self.address}:{faults.get('host_key', '')}".encode()).digest()


@dataclass(slots=True)
class Faults:
    """What goes wrong with a device. Patterns are searched in the command line; sizes are bytes, times seconds.

    Keys of a scenario file: `password` (the only one accepted), `enable`, `delay` (before each answer), `hang`
    (pattern: no answer), `reset` (pattern: the connection is cut in the answer), `reset_after` (after that many bytes
    of it), `reset_once` (pattern: the same, the first time only), `reject` (pattern: answered with an error), `reboot`
    (pattern: the device goes away for `down` seconds), `minute` (how long one of the device's minutes takes),
    `keyboard` (a question: the login is keyboard-interactive), `big` ([pattern, bytes]), `closed` (true: refuses
    connections), `host_key` (any text: another host key), `image` (any text: the host key of all that have the same),
    `also` (a list of further addresses of it), `dc` (what a domain controller's checks find, `cli_windows`).
    """

    data: Mapping[str, Json] = field(default_factory=dict)

    def get(self, key: str, default: Json = None) -> Json:
        """Return one fault's setting."""
        return self.data.get(key, default)

    def hits(self, key: str, line: str) -> bool:
        """Say whether the pattern under `key` is found in the line."""
        pattern = self.data.get(key)
        return isinstance(pattern, str) and re.search(pattern, line) is not None


class Scenario:
    """The faults of all devices, read from a JSON file `{address: {fault: setting}}` and read again when it changes."""

    def __init__(self, path: Path | None) -> None:
        self.path, self._stamp, self._data = path, 0, dict[str, dict[str, Json]]()

    def of(self, address: str) -> Faults:
        """Return the faults of one device as the file has them now."""
        if self.path and self.path.exists():
            stamp = self.path.stat().st_mtime_ns
            if stamp != self._stamp:
                self._data, self._stamp = json.loads(self.path.read_text() or "{}"), stamp
        return Faults(self._data.get(address, {}))


class CommandLog:
    """One JSON line per login and per executed command, appended and flushed: a test can count what a device really
    saw."""

    def __init__(self, path: Path | None) -> None:
        self._stream: TextIO | None = path.open("a", buffering=1) if path else None

    def executed(self, address: str, session: int, mode: str, command: str, received: float) -> None:
        """Append one line; `received` is when the command had come in (epoch seconds)."""
        self._write(device=address, received=round(received, 4), session=session, mode=mode, command=command)

    def login(self, address: str, name: str, accepted: bool) -> None:
        """Append one line for a password that was given."""
        self._write(device=address, login=name, accepted=accepted)

    def _write(self, **row: object) -> None:
        if self._stream:
            self._stream.write(json.dumps({"at": round(time.time(), 4), **row}) + "\n")


@dataclass(slots=True, kw_only=True)
class Device:
    """A running simulated device, shared by its sessions."""

    spec: DeviceSpec
    faults: Callable[[], Faults]
    log: CommandLog
    running: list[str] = field(default_factory=list)
    startup: list[str] = field(default_factory=list)
    flash: dict[str, int] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    down_until: float = 0.0
    sessions: int = 0
    hostname: str = ""
    was_reset: bool = False
    rollbacks: list[list[str]] = field(default_factory=list)
    undoing: asyncio.TimerHandle | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def is_down(self) -> bool:
        """Say whether the device is rebooting."""
        return time.monotonic() < self.down_until

    def lets_in(self, username: str, password: str) -> bool:
        """Say whether a login is right, and log it."""
        accepted = username == self.spec.username and password == self.faults().get("password", self.spec.password)
        self.log.login(self.spec.address, username, accepted)
        return accepted

    def take_back_after(self, minutes: float, before: list[str]) -> None:
        """Restore a configuration by itself after a time, unless the change is kept meanwhile."""
        self.keep()
        seconds = minutes * float(self.faults().get("minute", 60))
        self.undoing = asyncio.get_running_loop().call_later(seconds, self._take_back, list(before))

    def keep(self) -> bool:
        """Keep a change that would have been taken back; False when there is none."""
        waiting, self.undoing = self.undoing, None
        if waiting:
            waiting.cancel()
        return waiting is not None

    def _take_back(self, before: list[str]) -> None:
        self.running, self.undoing = before, None

    def reboot(self, seconds: float) -> None:
        """Go away for a while and come back with the startup configuration."""
        self.running = list(self.startup)
        self.down_until = time.monotonic() + seconds
        self.started = self.down_until
