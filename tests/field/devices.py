"""SSH devices that behave as people reported theirs to behave. One port of 127.0.0.1 is one case of `cases`.

    python -m tests.field [--port-base N] [name ...]

Prints a table of the ports, then `ready`, then one JSON line for each line, password and answer received:
`case`, `session` (a number per connection), `to` (the address that was reached), `t` (seconds), and one of `line`,
`password`, `answers` (keyboard-interactive), `event`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import pty
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import asyncssh

if TYPE_CHECKING:
    from tests.field.cases import Case

CARET = "                ^\n% Invalid input detected at '^' marker.\n"


class Hangup(Exception):
    """The client is gone and everything it sent was taken."""


class Terminal:
    """Bytes to and from the client, `far` seconds in each direction. What arrived is taken even if the client left."""

    def __init__(self, process: Any, note: Any, far: float) -> None:
        self.process, self.note, self.far = process, note, far
        self._out: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._in: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._buffer = b""
        self.tasks = [asyncio.ensure_future(self._write()), asyncio.ensure_future(self._read())]

    async def _write(self) -> None:
        with contextlib.suppress(asyncssh.Error, OSError):
            while True:
                due, data = await self._out.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self.process.stdout.write(data)
                self._out.task_done()

    async def _read(self) -> None:
        with contextlib.suppress(asyncssh.Error, OSError):
            while data := await self.process.stdin.read(4096):
                self._in.put_nowait((time.monotonic() + self.far, data))
        self._in.put_nowait((0.0, b""))

    async def say(self, text: str | bytes, pause: float = 0.0) -> None:
        self._out.put_nowait((time.monotonic() + self.far, text if isinstance(text, bytes) else text.encode()))
        await asyncio.sleep(pause)

    async def raw(self) -> bytes:
        due, data = await self._in.get()
        if not data:
            raise Hangup
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        return data

    async def key(self) -> bytes:
        while not self._buffer:
            self._buffer = await self.raw()
        first, self._buffer = self._buffer[:1], self._buffer[1:]
        return first

    async def line(self, hidden: bool = False) -> str:
        got = b""
        while (key := await self.key()) not in (b"\r", b"\n"):
            got += key
            if not hidden:
                await self.say(key)
        await self.say("\r\n")
        text = got.decode("utf-8", "replace")
        self.note(line=text)
        return text


class Box:
    """What a device remembers from one session to the next."""

    def __init__(self, device: type[Device], address: str) -> None:
        self.name, self.address = device.name.format(n=address.rsplit(".", 1)[-1]), address
        self.sections: dict[str, list[str]] = {"": [], "interface Gi0/1": ["description uplink"]}
        self.saved = ""
        self.count = 0
        self.changed = False

    def running(self) -> str:
        lines = [*self.sections[""]]
        for head, under in self.sections.items():
            lines += [head, *(f" {line}" for line in under), "!"] if head else []
        return "\n".join(["!", f"hostname {self.name}", "!", *lines, "end"]) + "\n"


class Device:
    """What every device has; the cases change single values or methods."""

    name = "rtr-a"
    banner = ""
    user_password = "pw"
    asks: tuple[str, ...] = ()  # keyboard-interactive: the questions of the first round
    then_asks: tuple[str, ...] = ()  # and of the second
    one_key = ""  # devices with the same text show the same host key
    far = 0.0
    newline = "\r\n"

    def __init__(self, terminal: Terminal, box: Box) -> None:
        self.t, self.box = terminal, box

    def prompt(self) -> str:
        return f"{self.box.name}#"

    async def greet(self) -> None:
        await self.t.say("\r\n")

    async def run(self) -> None:
        await self.t.say(self.banner)
        await self.greet()
        while True:
            await self.t.say(self.prompt())
            if await self.handle((await self.t.line()).strip()) is False:
                return

    async def command(self, line: str) -> int:
        """A command on a channel of its own."""
        await self.handle(line)
        return 0

    async def out(self, text: str) -> None:
        text = text if text.endswith("\n") or not text else text + "\n"
        await self.t.say(text.replace("\n", self.newline))

    async def handle(self, line: str) -> bool | None:
        raise NotImplementedError


class Ios(Device):
    """In the manner of IOS. `refuses`, `prints`: pattern: text. `questions`: pattern: (question, what is right, text
    then, tries)."""

    refuses: dict[str, str] = {}
    prints: dict[str, str] = {}
    questions: dict[str, tuple[str, str, str, int]] = {}
    exec_prompt = ""
    config_name = 99  # so many characters of the name stand in the prompt of configuration mode
    needs_enable = ""
    slow = 0.0  # seconds per line of configuration

    def __init__(self, terminal: Terminal, box: Box) -> None:
        super().__init__(terminal, box)
        self.mode, self.section, self.enabled = "", "", not self.needs_enable

    def prompt(self) -> str:
        if self.mode:
            return f"{self.box.name[: self.config_name]}({self.mode})#"
        return (self.exec_prompt or self.box.name) + ("#" if self.enabled else ">")

    async def handle(self, line: str) -> bool | None:
        if not line or line.startswith("!"):
            return None
        for pattern, (question, right, then, tries) in self.questions.items():
            if re.search(pattern, line):
                return await self.ask(question, right, then, tries)
        for table in (self.refuses, self.prints):
            for pattern, text in table.items():
                if re.search(pattern, line):
                    return await self.out(text)
        if line == "exit" and not self.mode:
            return False
        return await self.known(line)

    async def ask(self, question: str, right: str, then: str, tries: int) -> None:
        for _ in range(tries):
            await self.t.say(question)
            if re.fullmatch(right, await self.t.line(hidden=True)):
                self.save() if "OK" in then or "Copy" in then else None
                await self.out(then)
                return
        await self.out("% Aborted")

    def save(self) -> None:
        self.box.saved = self.box.running()
        self.t.note(event="saved")

    async def known(self, line: str) -> None:
        if re.match(r"conf(igure)? t", line) and not self.mode:
            self.mode = "config"
            await self.out("Enter configuration commands, one per line.  End with CNTL/Z.")
        elif line in ("end", "exit"):
            self.mode = "" if line == "end" or self.mode == "config" else "config"
            self.section = ""
        elif line == "enable":
            await self.t.say("Password: ")
            self.enabled = await self.t.line(hidden=True) == self.needs_enable
            await self.out("" if self.enabled else "% Access denied")
        elif line.startswith(("terminal", "set cli")):
            pass
        elif re.match(r"wr|copy run", line):
            self.save()
            await self.out("Building configuration...\n[OK]")
        elif line.startswith("show run"):
            await self.show_running()
        elif line.startswith("show start"):
            await self.out(
                "Using 512 out of 524288 bytes\n" + (self.box.saved or Box(type(self), self.box.address).running())
            )
        elif line.startswith("show"):
            await self.out(f"output of {line}")
        elif self.mode:
            await self.configure(line)
        else:
            await self.out(CARET)

    async def show_running(self) -> None:
        await self.out("Building configuration...\n\nCurrent configuration : 512 bytes\n" + self.box.running())

    async def configure(self, line: str) -> None:
        self.box.changed = True
        await asyncio.sleep(self.slow)
        if line.startswith("hostname "):
            self.box.name = line.split()[1]
        elif found := re.match(r"(banner \w+) (\S)(.*)", line):
            await self.banner_text(*found.groups())
        elif re.match(r"(interface|router|telemetry|destination-group|policy-map)\b", line):
            word = line.split()[0]
            self.mode, self.section = "config-if" if word == "interface" else f"config-{word}", line
            self.box.sections.setdefault(line, [])
        elif line.startswith("no "):
            pass
        else:
            lines = self.box.sections[self.section]
            lines[:] = [old for old in lines if old.split()[0] != line.split()[0] or line.split()[0] != "description"]
            lines.append(line)

    async def banner_text(self, head: str, mark: str, rest: str) -> None:
        text = [rest] if rest else []
        if mark not in rest:
            await self.out(f"Enter TEXT message.  End with the character '{mark}'.")
            while mark not in (line := await self.t.line()):
                text.append(line)
        self.box.sections[""].append(f"{head} ^C\n" + "\n".join(text) + "\n^C")


class Junos(Device):
    """In the manner of Junos; `above` is the line over each prompt."""

    name = "edge1"
    above = ""

    def __init__(self, terminal: Terminal, box: Box) -> None:
        super().__init__(terminal, box)
        self.mode = False
        box.sections = (
            {"": ["set system host-name edge1", "set interfaces ge-0/0/0 description uplink"]}
            if not box.changed
            else box.sections
        )

    def prompt(self) -> str:
        top = f"\r\n{self.above}" if self.above else ""
        return f"{top}{'[edit]' if self.mode else ''}\r\nops@{self.box.name}{'#' if self.mode else '>'} "

    async def handle(self, line: str) -> bool | None:
        if line.startswith("configure"):
            self.mode = True
            await self.out("Entering configuration mode")
        elif line == "commit":
            await self.out(
                "[edit system services]\n  'web-management'\n    warning: this statement is going to be removed\n"
                "commit complete"
            )
        elif line == "exit":
            if not self.mode:
                return False
            self.mode = False
            await self.out("Exiting configuration mode")
        elif line.startswith("delete"):
            await self.out("warning: statement not found")
        elif line.startswith("set") and self.mode:
            self.box.changed = True
            self.box.sections[""].append(line)
        elif line.startswith("show configuration"):
            await self.out("\n".join(self.box.sections[""]))
        elif line.startswith("show"):
            await self.out(f"output of {line}")
        return None


class Shell(Device):
    """A real bash on a pseudo terminal, in an empty home that is removed afterwards. `rc` joins its start file."""

    name = "web1"
    rc = ""

    def start_file(self, home: str) -> str:
        path = os.path.join(home, ".start")
        with open(path, "w") as file:
            file.write(f"PS1='ops@{self.box.name}:\\w\\$ '\nunset PROMPT_COMMAND HISTFILE\ncd ~\n{self.rc}\n")
        return path

    def environment(self, home: str) -> dict[str, str]:
        return {"HOME": home, "PATH": os.environ["PATH"], "TERM": "vt100", "LANG": "C.UTF-8"}

    async def run(self) -> None:
        home = tempfile.mkdtemp()
        start, environment = self.start_file(home), self.environment(home)
        child, terminal = pty.fork()
        if not child:
            os.execvpe("bash", ["bash", "--noprofile", "--rcfile", start, "-i"], environment)
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def printed() -> None:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                data = b""
            if data:
                self.t._out.put_nowait((time.monotonic() + self.far, data))
            else:
                loop.remove_reader(terminal)
                ended.set()

        loop.add_reader(terminal, printed)
        both = [asyncio.ensure_future(self._typed(terminal)), asyncio.ensure_future(ended.wait())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            loop.remove_reader(terminal)
            with contextlib.suppress(OSError):
                os.close(terminal)
                os.kill(child, signal.SIGHUP)
            await asyncio.sleep(0.1)
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(child, 0)
            shutil.rmtree(home, ignore_errors=True)

    async def _typed(self, terminal: int) -> None:
        line = b""
        with contextlib.suppress(Hangup):
            while True:
                data = await self.t.raw()
                for byte in data:
                    if byte in b"\r\n":
                        self.t.note(line=line.decode("utf-8", "replace"))
                        line = b""
                    else:
                        line += bytes([byte])
                os.write(terminal, data)

    async def command(self, line: str) -> int:
        home = tempfile.mkdtemp()
        environment = {**self.environment(home), "BASH_ENV": self.start_file(home)}
        made = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            line,
            env=environment,
            cwd=home,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        text, _ = await made.communicate()
        shutil.rmtree(home, ignore_errors=True)
        await self.t.say(text)
        return made.returncode or 0


class _Server(asyncssh.SSHServer):
    def __init__(self, device: type[Device], note: Any) -> None:
        self.device, self.note, self.rounds = device, note, 0

    def connection_made(self, conn: Any) -> None:
        self.note(event="connected")

    def password_auth_supported(self) -> bool:
        return not self.device.asks

    def validate_password(self, username: str, password: str) -> bool:
        self.note(password=password)
        return password == self.device.user_password

    def kbdint_auth_supported(self) -> bool:
        return bool(self.device.asks)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "", "", "", [(question, False) for question in self.device.asks]

    def validate_kbdint_response(self, username: str, responses: Any) -> Any:
        self.note(answers=list(responses))
        self.rounds += 1
        if self.rounds == 1 and responses and self.device.then_asks:
            return "", "", "", [(question, False) for question in self.device.then_asks]
        return bool(responses) and self.rounds == 1 and all(text == self.device.user_password for text in responses)


_sessions = itertools.count(1)
_keys: dict[str, Any] = {}


async def _listen(case: Case, host: str, port: int) -> None:
    device = case.device
    box = Box(device, host)

    def noting(session: int) -> Any:
        def note(**what: Any) -> None:
            known = {"t": round(time.time(), 3), "case": case.name, "session": session, "to": host}
            print(json.dumps({**known, **what}, ensure_ascii=False), flush=True)

        return note

    async def handle(process: Any) -> None:
        note = noting(next(_sessions))
        terminal = Terminal(process, note, device.far)
        status, one = 0, device(terminal, box)
        try:
            if process.command is None:
                await one.run()
            else:
                note(line=process.command)
                status = await one.command(process.command)
        except (Hangup, asyncssh.Error, OSError):
            pass
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(terminal._out.join(), 1)
        for task in terminal.tasks:
            task.cancel()
        note(event="ended")
        with contextlib.suppress(asyncssh.Error, OSError):
            process.exit(status)

    key = _keys.setdefault(device.one_key or f"{case.name} {host}", asyncssh.generate_private_key("ssh-ed25519"))
    await asyncssh.create_server(
        lambda: _Server(device, noting(0)),
        host,
        port,
        server_host_keys=[key],
        process_factory=handle,
        line_editor=False,
        encoding=None,
    )


async def serve(cases: Sequence[Case], base: int, names: Sequence[str]) -> None:
    """Play the cases; the port of each is the base plus its place in the list, whichever are asked for."""
    for number, case in enumerate(cases):
        if case.flow in ("name",) or (names and case.name not in names):
            continue
        for host in dict.fromkeys("127.0.0.1" if host == "localhost" else host for host in case.hosts):
            await _listen(case, host, base + number)
        print(f"{base + number} {case.name}: {case.what}", flush=True)
    print("ready", flush=True)
    await asyncio.Event().wait()


def main(cases: Sequence[Case]) -> None:
    given = argparse.ArgumentParser(description="SSH devices that behave as people reported theirs to behave.")
    given.add_argument("--port-base", type=int, default=19000, metavar="N")
    given.add_argument("name", nargs="*")
    asked = given.parse_args()
    unknown = set(asked.name) - {case.name for case in cases}
    if unknown:
        given.error(f"no such case: {', '.join(sorted(unknown))}")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(cases, asked.port_base, asked.name))
