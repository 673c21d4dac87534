"""Where an answer ends, against devices that pause, echo oddly and print what looks like their prompt.

Each case is a number: it decides the device (how it echoes, in which pieces and with which pauses it sends, what it
refuses) and what is run on it. Time is virtual. `N` is the number of cases, `make fuzz-session` runs more.
"""

import os
import random
from dataclasses import dataclass, field

import pytest

from devices.domain.errors import SessionLost
from devices.domain.secrets import Login, Secret
from devices.drivers import reader as reading
from devices.drivers import session as sessions
from devices.drivers.platforms import PLATFORMS
from devices.drivers.session import Session
from jobs.domain.plan import PlannedStep
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import run_steps

NAME = "rtr-a"
REFUSALS = (
    "                ^\n% Invalid input detected at '^' marker.\n",
    "% Incomplete command.\n",
    "ERROR: % Invalid input detected.\n",
    "{line} can't be attached\n",
    "% LACP is not enabled\n",
)
#: Seconds that the test's devices take at most for one answer; the session waits longer.
LONGEST = 8.0
WAIT = 30


@dataclass
class World:
    """A virtual clock."""

    now: float = 1000.0

    def monotonic(self):
        return self.now


@dataclass
class Device:
    """Plays a device that reads its line editor's input only at its prompt. `ran` are (mode, line) as executed."""

    rng: random.Random
    world: World
    refused: str
    outgoing: list = field(default_factory=list)
    typed: bytes = b""
    line: bytes = b""
    mode: str = "exec"
    ready_at: float = 0.0
    ran: list = field(default_factory=list)
    pending: list = field(default_factory=list)

    def __post_init__(self):
        rng = self.rng
        self.ends = rng.choice(["\r\n", "\r\n", "\r\r\n", "\n\r"])
        self.width = rng.choice([511, 511, 80, 40])
        self.wrap = rng.choice(["\r\n", " \r", "\r\n\r"])
        self.lag = rng.choice([0.0, 0.0, 0.001, 0.02, 0.1])
        self.syslog = rng.random() < 0.1
        self.is_open = True
        self.free_at = self.world.now
        banner = rng.choice(["", "\nWelcome\n", f"\n*** {NAME}# ***\nlab#\n", "\n" + "#>" * 20 + "\n"])
        self._say(banner + self.prompt())

    def prompt(self):
        return f"{NAME}#" if self.mode == "exec" else f"{NAME}(config{'-if' if self.mode == 'if' else ''})#"

    # What the session sees of it.
    def send(self, data):
        self.pending.append((max(self.world.now + self.lag, self.free_at), data))

    def recv(self, timeout):
        until = self.world.now + timeout
        while True:
            events = [at for at, _ in self.outgoing[:1]] + [at for at, _ in self.pending[:1]]
            due = min(events, default=until + 1)
            if due > until:
                self.world.now = until
                return b""
            self.world.now = max(self.world.now, due)
            if self.pending and self.pending[0][0] <= self.world.now and self.free_at <= self.world.now:
                for byte in self.pending.pop(0)[1]:
                    self.typed += bytes([byte])
                self._take()
            elif self.pending and self.pending[0][0] <= self.world.now:
                self.pending[0] = (self.free_at, self.pending[0][1])
            if self.outgoing and self.outgoing[0][0] <= self.world.now:
                data = b""
                while self.outgoing and self.outgoing[0][0] <= self.world.now:
                    data += self.outgoing.pop(0)[1]
                return data

    def close(self):
        self.is_open = False

    # What it does.
    def _take(self):
        """Read what was typed, as far as its editor is there to read it."""
        while self.typed and self.free_at <= self.world.now:
            byte, self.typed = self.typed[:1], self.typed[1:]
            if byte == b"\r":
                self._say("\n")
                line, self.line = self.line.decode(), b""
                self._run(line.strip())
            else:
                self.line += byte
                column = len(self.prompt()) + len(self.line)
                self._say((self.wrap if column % self.width == 0 else "") + byte.decode(), cut=False)
        if self.typed:
            self.pending.insert(0, (self.free_at, b""))

    def _run(self, line):
        if not line or line.startswith("!"):
            self._say(self.prompt())
            return
        self.ran.append((self.mode, line))
        text = self._answer(line)
        if text is None:
            return
        self._print(text)
        self._say(self.prompt())
        if self.syslog and self.rng.random() < 0.3:
            self._say("\n*Mar  1 00:04:11.123: %SYS-5-CONFIG_I: Configured from console\n" + self.prompt())

    def _answer(self, line):
        if line == "configure terminal":
            self.mode = "config"
            return "Enter configuration commands, one per line.  End with CNTL/Z.\n"
        if line == "end":
            self.mode = "exec"
            return ""
        if line == self.refused:
            return self.rng.choice(REFUSALS).format(line=line)
        if line.startswith("interface "):
            self.mode = "if"
            return ""
        if line == "show running-config":
            body = "".join(f"vlan {n}\n" for n in range(self.rng.randrange(1, 12)))
            return f"hostname {NAME}\n{body}begin-running\nend\n"
        if line.startswith("show "):
            name = line.split()[1]
            rows = "".join(f"row {name} {n}\n" for n in range(self.rng.randrange(0, 6)))
            return f"begin-{name}\n{rows}end-{name}\n"
        return self.rng.choice(["", "", "", "% Warning: this is only a remark\n"])

    def _print(self, text):
        """Print an answer in pieces, with pauses and with lines that look like a prompt among them."""
        rng, rows = self.rng, text.splitlines(keepends=True)
        used = 0.0
        for number in range(len(rows) + 1):
            if rng.random() < 0.15:
                alike = rng.choice([self.prompt(), f"{NAME}#", f"text {NAME}#", f"{NAME}(config)#", "other#"])
                self._say(alike)
                pause = min(rng.choice([0.0, 0.01, 0.1, 0.3, 0.6, 2.0, 5.0]), LONGEST - used)
                used += pause
                self.free_at += pause
                self._say("\n")
            if number < len(rows):
                self._say(rows[number])

    def _say(self, text, cut=True):
        data = text.replace("\n", self.ends).encode()
        pieces = [data]
        if cut and len(data) > 1 and self.rng.random() < 0.5:
            at = self.rng.randrange(1, len(data))
            pieces = [data[:at], data[at:]]
        for piece in pieces:
            self.free_at = max(self.free_at, self.world.now) + self.rng.choice([0.0, 0.0, 0.001, 0.03])
            self.outgoing.append((self.free_at + self.lag, piece))


class Watcher:
    """Keeps what is said of each command: (line, answer, rejected)."""

    def __init__(self):
        self.exchanges = []

    def answered(self, step, index, command, answer, rejected):
        self.exchanges.append([command, answer, rejected])

    def amended(self, text, rejected):
        if self.exchanges:  # else it belongs to what prepared the session
            self.exchanges[-1][1] += text
            self.exchanges[-1][2] |= rejected

    def step_started(self, step): ...
    def sending(self, step, index, command): ...
    def arriving(self, step, index, text): ...
    def unsent(self): ...
    def step_ended(self, step, status, message, verdict=""): ...


def step(position, kind, *commands, **more):
    return PlannedStep(position=position, name=f"Step {position}", kind=kind, commands=commands, timeout=WAIT, **more)


def play(number, monkeypatch):
    """Run one case; return the device, what was said of each command, and the result."""
    rng, world = random.Random(number), World()
    for module in (reading, sessions):
        monkeypatch.setattr(module, "time", world)
    long = "description " + "d" * rng.choice([3, 30, 120])
    changes = ["interface Gi0/1", long, "no shutdown", "ip route x", "vlan 7"][: rng.randrange(1, 6)]
    device = Device(rng, world, refused=rng.choice([*changes, "nothing"]))
    steps = (
        step(0, "snapshot", "show running-config", keep="before"),
        step(1, "read", *[f"show {chr(97 + n)}" for n in range(rng.randrange(1, 4))]),
        step(2, "config", "configure terminal", *changes, "end"),
        step(3, "read", "show x", "show y"),
    )
    session, watcher = Session(device, PLATFORMS["cisco_ios"]), Watcher()
    session.open(Login("u", Secret("p")))
    return device, watcher, run_steps(session, steps, watcher)


def problems(device, watcher, result):
    """Return what must never be, of one case."""
    lines = [line for mode, line in device.ran if mode != "exec" and line != "end"]
    if device.refused in lines and lines[-1] != device.refused:
        yield f"{lines[lines.index(device.refused) + 1 :]} reached the device after the refused '{device.refused}'"
    if device.refused in lines and result.status is RunStatus.SUCCEEDED:
        yield f"'{device.refused}' was refused and counts as done"
    for line, answer, _ in watcher.exchanges:
        name = {"show running-config": "running"}.get(line, line.split()[-1] if line.startswith("show ") else "")
        others = [word for word in answer.split() if word.startswith(("begin-", "end-"))]
        if [word for word in others if word.partition("-")[2] != name]:
            yield f"the answer to '{line}' holds another's: {answer!r}"
        if result.status is RunStatus.SUCCEEDED and name and f"begin-{name}" not in others:
            yield f"the answer to '{line}' is cut short and counts as whole: {answer!r}"
    if result.status is not RunStatus.SUCCEEDED and device.refused not in lines:
        yield f"it failed and nothing was refused: {result.message}"


def cases():
    return range(int(os.environ.get("N", 10_000)))


@pytest.mark.sweep
@pytest.mark.timeout(7200)
def test_no_line_follows_a_refused_one_and_no_answer_stands_under_another_command(monkeypatch):
    found = {}
    for number in cases():
        try:
            wrong = list(problems(*play(number, monkeypatch)))
        except SessionLost as error:
            wrong = [str(error)]
        if wrong:
            found[number] = wrong
            if len(found) > 20:
                break
    assert not found


def test_a_few_of_them(monkeypatch):
    """The quick suite's part of the sweep."""
    found = {number: wrong for number in range(300) if (wrong := list(problems(*play(number, monkeypatch))))}
    assert not found
