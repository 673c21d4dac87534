"""Start, watch and stop the processes of the demo: broker, fleet, web, workers, beat. Leaves none behind."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TextIO

from config import env

#: A child that was asked to end is given so long before it is killed.
STOP_SECONDS = 8.0


class Problem(RuntimeError):
    """The demo cannot go on; the message says why and what to do."""


class Processes:
    """The children, in the order they were started; each writes to its own log file."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False
        self._lock: TextIO | None = None
        for name in ("run", "log"):
            (var / name).mkdir(parents=True, exist_ok=True)
        (var / "run").chmod(0o700)

    def claim(self) -> None:
        """Refuse a second demo on the same state folder."""
        self._lock = (self.var / "run" / "demo.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Problem(
                f"A demo is running on {self.var} already. Stop it, or choose another folder with --var."
            ) from None

    def catch_signals(self) -> None:
        """Let Ctrl-C and SIGTERM end the watch."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)

    def start(self, name: str, command: list[str], **environment: str) -> None:
        """Start a child that dies with this process, even if this process is killed."""
        log = (self.var / "log" / f"{name}.log").open("ab")
        self.children[name] = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            # `-m` finds the apps of a source tree in the present folder; an installed wheel's are on the path anyway,
            # and packages in the present folder would go before the standard library.
            cwd=env.ROOT if env.CHECKOUT else self.var,
            preexec_fn=_die_with_parent,
            start_new_session=True,
        )

    def wait_for(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready` says so; Problem when a child ends before or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if self.stopping:
                raise Problem("Stopped before it was ready.")
            if time.monotonic() > deadline:
                raise Problem(f"{what} did not come up within {seconds:g} s. The logs are in {self.var / 'log'}.")
            time.sleep(0.1)

    def check(self) -> None:
        """Raise Problem when a child has ended by itself."""
        for name, child in self.children.items():
            if child.poll() is not None and not self.stopping:
                raise Problem(
                    f"The {name} process ended by itself (exit {child.returncode}). Its last words:\n{self._tail(name)}"
                )

    def stop(self) -> None:
        """End every child: first by request, then by force."""
        self.stopping = True
        running = [child for child in reversed(self.children.values()) if child.poll() is None]
        for child in running:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
        for child in running:
            # The child leads its own session, so its group holds all that it started.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def _tail(self, name: str) -> str:
        lines = (self.var / "log" / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-12:])


def start_broker(processes: Processes) -> str:
    """Start the embedded broker if there is a program for it; return a word about what is used."""
    if env.BROKER_URL:
        return "the broker of BROKER_URL"
    program = env.broker_server()
    if program is None:
        for name in ("messages", "control"):
            (processes.var / "run" / name).mkdir(exist_ok=True)
        return "files (no broker program was found: slower, and a killed worker loses its wakeups until the next tick)"
    place = env.broker_socket()
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.unlink(missing_ok=True)
    data = processes.var / "broker"
    data.mkdir(exist_ok=True)
    options = ["--port", "0", "--unixsocket", str(place), "--unixsocketperm", "600", "--dir", str(data)]
    processes.start("broker", [program, *options, "--appendonly", "yes", "--save", "", "--daemonize", "no"])
    processes.wait_for("The broker", lambda: _connects(socket.AF_UNIX, str(place)), 10)
    return "embedded Valkey"


def module(*words: str) -> list[str]:
    """Return the command line of a module in this interpreter."""
    return [sys.executable, "-m", *words]


def check_port_free(port: int) -> None:
    """Raise Problem when the web port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Problem(f"Port {port} is taken by another program. Choose another with --port.") from None


def free_fleet_port(addresses: list[str], first: int = 2222) -> int:
    """Return a port from `first` on that is free on the fleet's first and last address."""
    for port in range(first, first + 500):
        try:
            for address in (addresses[0], addresses[-1]):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((address, port))
        except OSError:
            continue
        return port
    raise Problem("No port is free for the simulated fleet on 127.20.0.0 and above.")


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether something accepts connections there."""
    return _connects(socket.AF_INET, (host, port))


def _connects(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
