"""A conversation with one device: learn the prompt, change modes, send one line at a time, see what was refused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from config.failpoints import halves, reach
from devices.domain.errors import CommandRejected, EnableRefused, OutputTooLarge, PromptTimeout, SessionLost
from devices.domain.secrets import Login
from devices.drivers.platform import Platform
from devices.drivers.transport import Transport

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_=>]|[\x00\x07]")
MAX_OUTPUT = 16 * 1024 * 1024
TAIL = 400
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait, in seconds: for a command's prompt, and for the first prompt after login."""

    command: float = 30.0
    login: float = 20.0


class Session:
    """Drives one shell. Not thread-safe; `cancelled` is asked at least once a second while waiting."""

    def __init__(
        self,
        transport: Transport,
        platform: Platform,
        timing: Timing | None = None,
        cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        self.transport, self.platform = transport, platform
        self.timing = timing or Timing()
        self._cancelled = cancelled
        self._base = ""
        self._prompt = platform.prompt
        self._last_prompt = ""

    @property
    def base(self) -> str:
        """The fixed part of the device's prompt, for example its host name."""
        return self._base

    def open(self, login: Login) -> str:
        """Learn the prompt, enter privileged mode, switch paging off. Returns what the device said, for the transcript."""
        banner = self._read_until(self.platform.prompt, self.timing.login)
        # An empty line must bring the very same prompt: a banner that merely looks like one does not.
        self.transport.send(b"\r")
        probe = self._read_until(self.platform.prompt, self.timing.login)
        self._learn(probe)
        text = banner
        if self.platform.enable_needed and self.platform.enable_needed.search(self._last_prompt):
            text += self._enable(login)
        for line in self.platform.preparation:
            text += self.send(line)
        return text

    def send(self, line: str, *, timeout: float | None = None, progress: Progress | None = None) -> str:
        """Send one line and return the device's answer without echo and prompt. CommandRejected when it says no."""
        self._cancelled()
        for part in halves("W9", line.encode() + b"\r"):
            if not part:
                break
            self.transport.send(part)
            reach("W9")
        reach("W10")
        renames = bool(self.platform.renames.search(line))
        pattern = self.platform.prompt if renames else self._prompt
        raw = self._read_until(pattern, timeout or self.timing.command, line, progress)
        if renames:
            self._learn(raw)
        answer = self._strip(raw, line)
        refused = self.platform.rejection(answer)
        if refused:
            raise CommandRejected(line, answer.strip() or refused)
        return answer

    @property
    def in_config(self) -> bool:
        """Say whether the last prompt was one of configuration mode."""
        pattern = self.platform.config_prompt
        return bool(pattern and pattern.search(self._last_prompt))

    def close(self) -> None:
        """End the connection."""
        self.transport.close()

    def _enable(self, login: Login) -> str:
        self.transport.send(self.platform.enable.encode() + b"\r")
        either = re.compile(f"(?:{self._prompt.pattern})|(?:{self.platform.enable_password.pattern})")
        raw = self._read_until(either, self.timing.command)
        if self.platform.enable_password.search(raw[-TAIL:]):
            if not login.enable_password:
                raise EnableRefused("The device asks for an enable password, but the credential has none.")
            self.transport.send(login.enable_password.reveal().encode() + b"\r")
            raw = self._read_until(either, self.timing.command)
        if self.platform.enable_needed and self.platform.enable_needed.search(self._last_line(raw)):
            raise EnableRefused("The device refused the enable password. It was tried once; check the credential.")
        if self.platform.enable_password.search(self._last_line(raw)):
            raise EnableRefused("The device refused the enable password. It was tried once; check the credential.")
        self._last_prompt = self._last_line(raw)
        return self.platform.enable + "\n"

    def _learn(self, raw: str) -> None:
        """Take the fixed part of the prompt from the last line, and from now on accept only that one."""
        self._last_prompt = self._last_line(raw)
        found = self.platform.prompt.match(self._last_prompt)
        if not found:
            raise PromptTimeout(f"The device's prompt was not recognized: '{self._last_prompt[-60:]}'.")
        self._base = found.group("base")
        self._prompt = re.compile(f"^{re.escape(self._base)}{self.platform.modes}$")

    def _read_until(
        self, pattern: re.Pattern[str], timeout: float, sent: str = "", progress: Progress | None = None
    ) -> str:
        """Read until the last line matches `pattern`; PromptTimeout with what came so far when it does not in time."""
        deadline = time.monotonic() + timeout
        pieces: list[bytes] = []
        size, tail, shown = 0, b"", time.monotonic()
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                so_far = self._strip(_decode(b"".join(pieces)), sent).strip()
                what = f"'{sent}'" if sent else "the login"
                raise PromptTimeout(
                    f"No prompt came within {timeout:g} s after {what}; what it did is unknown. Last text: '{so_far[-200:]}'"
                )
            try:
                data = self.transport.recv(min(left, 1.0))
            except SessionLost as lost:
                so_far = self._strip(_decode(b"".join(pieces)), sent).strip()
                raise SessionLost(f"{lost.message} Last text: '{so_far[-200:]}'" if so_far else lost.message) from lost
            if not data:
                self._cancelled()
                continue
            if sent and not pieces:
                reach("W11")
            pieces.append(data)
            size += len(data)
            if size > MAX_OUTPUT:
                raise OutputTooLarge(
                    f"The device sent more than {MAX_OUTPUT // 2**20} MB for '{sent}'; reading was stopped."
                )
            tail = (tail + data)[-TAIL:]
            last = self._last_line(_decode(tail))
            if pattern.search(last) and (not sent or size > len(sent)):
                self._last_prompt = last
                return _decode(b"".join(pieces))
            if self.platform.pager.search(last):
                self.transport.send(b" ")
                tail = b""
            if progress and time.monotonic() - shown > 0.8:
                progress(self._strip(_decode(b"".join(pieces)), sent))
                shown = time.monotonic()

    def _last_line(self, text: str) -> str:
        return text.replace("\r", "\n").rsplit("\n", 1)[-1]

    def _strip(self, raw: str, sent: str) -> str:
        """Take the echo off the front and the prompt off the end; drop the pager's marks."""
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        if sent:
            head, _, rest = text.partition("\n")
            if sent.strip() in head or not head.strip():
                text = rest
        body, cut, last = text.rpartition("\n")
        if self._prompt.search(last) or self.platform.prompt.search(last):
            text = body + cut
        return (
            re.sub(r"\n?[^\n]*(?:--More--|---\(more[^)]*\)---)[ \b]*\n*", "\n", text)
            if "-" in text and "ore" in text
            else text
        )


def _decode(data: bytes) -> str:
    """Return the bytes as text: UTF-8 where it is, a replacement mark where not, without terminal control sequences."""
    return ANSI.sub("", data.decode("utf-8", "replace"))
