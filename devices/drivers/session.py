"""A conversation with one device: learn the prompt, change modes, send one line at a time, see what was refused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Protocol

from config.failpoints import failpoint, halves
from devices.domain.errors import CommandRejected, EnableRefused, OutputTooLarge, PromptTimeout, SessionLost
from devices.domain.secrets import Login
from devices.drivers.commands import ended, run
from devices.drivers.output import MAX_OUTPUT, Answers, Progress, Timing, decode, lines
from devices.drivers.platform import Platform
from devices.drivers.transport import Transport

TAIL = 400
#: A device prints such lines whenever it likes, also behind its prompt.
SYSLOG = re.compile(r"^[*.]?.{0,60}%[A-Z0-9_]+(?:-[A-Z0-9_]+)*-[0-7]-[A-Z0-9_]+:.*$", re.MULTILINE)
#: What a pager leaves behind.
PAGED = re.compile(r"(?:--More--|---\(more[^)\n]{0,40}\)---)[ \b]*")
#: Without a byte for so many seconds, a line that equals the prompt is the prompt, where text may still follow it.
QUIET_SECONDS = 0.15
#: So many questions of one command are answered.
MOST_QUESTIONS = 50


class Searched(Protocol):
    """A pattern, or what stands for one: `search` says whether a line is what is awaited."""

    def search(self, text: str, /) -> object: ...


class _Named:
    """Finds a prompt that begins with a device's name.

    To compile a pattern for each device would cost more than to match it.
    """

    def __init__(self, base: str, modes: str) -> None:
        self._base, self._modes = base, re.compile(f"(?:{modes})$")

    def search(self, text: str, /) -> object:
        return text.startswith(self._base) and self._modes.match(text, len(self._base))


class _Either:
    """Finds what one of two finds."""

    def __init__(self, first: Searched, second: Searched) -> None:
        self._both = (first, second)

    def search(self, text: str, /) -> object:
        return self._both[0].search(text) or self._both[1].search(text)


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
        self._prompt: Searched = platform.prompt
        self._last_prompt = ""

    @property
    def base(self) -> str:
        """The fixed part of the device's prompt, for example its host name."""
        return self._base

    def open(self, login: Login) -> str:
        """Learn the prompt, enter privileged mode, switch paging off.

        Returns what the device said, for the transcript.
        """
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

    def send(
        self,
        line: str,
        *,
        timeout: float | None = None,
        progress: Progress | None = None,
        answers: Answers = (),
        script: str = "",
    ) -> str:
        """Send one line and return the device's answer without echo and prompt. CommandRejected when it says no.

        `answers` are the only questions that are answered: (text in the waiting line, what to send). A command that
        reads a `script` gets a channel of its own.
        """
        self._cancelled()
        if script:
            return run(self.transport, line, script, timeout or self.timing.command, self._cancelled, progress)
        for part in halves("half_sent", line.encode() + b"\r"):
            if not part:
                break
            self.transport.send(part)
            failpoint("half_sent")
        failpoint("line_sent")
        renames = bool(self.platform.renames.search(line))
        pattern: Searched = self.platform.prompt if renames else self._prompt
        raw = self._read_until(pattern, timeout or self.timing.command, line, progress, answers)
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

    def ended(self, timeout: float) -> bool:
        """Wait until the device ends the connection; False when it has not within so many seconds."""
        return ended(self.transport, timeout, self._cancelled)

    def close(self) -> None:
        """End the connection."""
        self.transport.close()

    def _enable(self, login: Login) -> str:
        self.transport.send(self.platform.enable.encode() + b"\r")
        either = _Either(self._prompt, self.platform.enable_password)
        raw = self._read_until(either, self.timing.command)
        if self.platform.enable_password.search(raw[-TAIL:]):
            if not login.enable_password:
                raise EnableRefused("The device asks for an enable password, but the credential has none.")
            self.transport.send(login.enable_password.reveal().encode() + b"\r")
            raw = self._read_until(either, self.timing.command)
        if self.platform.enable_needed and self.platform.enable_needed.search(_last_line(raw)):
            raise EnableRefused("The device refused the enable password. It was tried once; check the credential.")
        if self.platform.enable_password.search(_last_line(raw)):
            raise EnableRefused("The device refused the enable password. It was tried once; check the credential.")
        self._last_prompt = _last_line(raw)
        return self.platform.enable + "\n"

    def _learn(self, raw: str) -> None:
        """Take the fixed part of the prompt from the last line, and from now on accept only that one."""
        self._last_prompt = _last_line(raw)
        found = self.platform.prompt.match(self._last_prompt)
        if not found:
            raise PromptTimeout(f"The device's prompt was not recognized: '{self._last_prompt[-60:]}'.")
        self._base = found.group("base")
        self._prompt = _Named(self._base, self.platform.modes)

    def _read_until(
        self,
        pattern: Searched,
        timeout: float,
        sent: str = "",
        progress: Progress | None = None,
        answers: Answers = (),
    ) -> str:
        """Read until the last line matches `pattern`; PromptTimeout with what came so far when it does not in time."""
        deadline, shown, questions = time.monotonic() + timeout, time.monotonic(), 0
        got, pending = _Received(sent), b""
        while True:
            data = pending or self._receive(deadline, timeout, got)
            pending = b""
            if not data:
                self._cancelled()
                if pattern.search(got.last_before_syslog):
                    self._last_prompt = got.last_before_syslog
                    return got.without_syslog
                continue
            got.add(data)
            last = got.last
            if pattern.search(last) and got.beyond_echo:
                # A line of a configuration may equal the prompt: it is the prompt when nothing follows.
                pending = b"" if self._is_whole(got) else self.transport.recv(QUIET_SECONDS)
                if not pending:
                    self._last_prompt = last
                    return got.text
                continue
            asked = next((answer for question, answer in answers if question in last), None)
            if asked is not None and questions < MOST_QUESTIONS:
                questions += 1
                self.transport.send(asked.encode() + b"\r")
                got.tail = b""
            elif self.platform.pager.search(last):
                self.transport.send(b" ")
                got.tail = b""
            if progress and time.monotonic() - shown > 0.8:
                progress(self._strip(got.text, sent))
                shown = time.monotonic()

    def _receive(self, deadline: float, timeout: float, got: _Received) -> bytes:
        """Return what comes within a second, or nothing; PromptTimeout and SessionLost say what came before."""
        left = deadline - time.monotonic()
        if left <= 0 and got.late:
            so_far = self._strip(got.text, got.sent).strip()
            what = f"'{got.sent}'" if got.sent else "the login"
            raise PromptTimeout(
                f"No prompt came within {timeout:g} s after {what}; what it did is unknown. "
                f"Last text: '{so_far[-200:]}'"
            )
        # Whoever was kept from looking, for example a process that was stopped for a while, looks once more at the end.
        got.late = left <= 0
        try:
            return self.transport.recv(min(max(left, 0.0), 1.0))
        except SessionLost as lost:
            so_far = self._strip(got.text, got.sent).strip()
            raise SessionLost(f"{lost.message} Last text: '{so_far[-200:]}'" if so_far else lost.message) from lost

    def _is_whole(self, got: _Received) -> bool:
        """Say whether an answer that ends in the prompt can be nothing else than over."""
        if self.platform.settles:
            return False
        reads_config = got.sent in (self.platform.show_running, self.platform.show_startup)
        if not reads_config:
            return True
        return got.holds(self.platform.config_end)

    def _strip(self, raw: str, sent: str) -> str:
        """Take the echo off the front and the prompt off the end; drop the pager's marks."""
        text = lines(raw)
        if sent:
            head, _, rest = text.partition("\n")
            if sent.strip() in head or not head.strip():
                text = rest
        body, cut, last = text.rpartition("\n")
        if self._prompt.search(last) or self.platform.prompt.search(last):
            text = body + cut
        return _unpaged(text) if "--More--" in text or "---(more" in text else text


class _Received:
    """What came after a line was sent."""

    def __init__(self, sent: str) -> None:
        self.sent, self.size, self.tail, self.late = sent, 0, b"", False
        self.pieces: list[bytes] = []
        self._searched, self._seam, self._held = 0, b"", False

    def holds(self, pattern: re.Pattern[str]) -> bool:
        """Say whether a line that matches has come; what was searched once is not searched again."""
        fresh = self._seam + b"".join(self.pieces[self._searched :])
        self._searched = len(self.pieces)
        self._held = self._held or bool(pattern.search(lines(decode(fresh))))
        # The line that is not over yet, or a part of it that is no begin of a line.
        begun = fresh[max(fresh.rfind(b"\n"), fresh.rfind(b"\r")) + 1 :]
        self._seam = begun if len(begun) <= TAIL else b"x" + begun[-TAIL:]
        return self._held

    def add(self, data: bytes) -> None:
        """Take more of it; OutputTooLarge beyond what is kept."""
        if self.sent and not self.pieces:
            failpoint("answer_begun")
        self.pieces.append(data)
        self.size += len(data)
        self.tail = (self.tail + data)[-TAIL:]
        if self.size > MAX_OUTPUT:
            raise OutputTooLarge(
                f"The device sent more than {MAX_OUTPUT // 2**20} MB for '{self.sent}'; reading was stopped."
            )

    @property
    def text(self) -> str:
        """All of it."""
        return decode(b"".join(self.pieces))

    @property
    def last(self) -> str:
        """Its last line, begun or whole."""
        return _last_line(decode(self.tail))

    @property
    def beyond_echo(self) -> bool:
        """Say whether more came than the echo of what was sent."""
        return not self.sent or self.size > len(self.sent)

    @property
    def without_syslog(self) -> str:
        """All of it but the messages that the device printed behind its prompt."""
        return SYSLOG.sub("", self.text).rstrip("\r\n")

    @property
    def last_before_syslog(self) -> str:
        """The last line before such messages; empty when there are none."""
        if not self.beyond_echo or not SYSLOG.search(decode(self.tail)):
            return ""
        return _last_line(SYSLOG.sub("", decode(self.tail)).rstrip("\r\n"))


def _unpaged(text: str) -> str:
    """Return the text without the pager's marks: without what stands before one in its line, and empty lines after."""
    kept: list[str] = []
    after_mark = False
    for line in text.split("\n"):
        marks = list(PAGED.finditer(line))
        rest = line[marks[-1].end() :] if marks else line
        if rest or not (marks or after_mark):
            kept.append(rest)
        elif not kept:
            kept.append("")
        after_mark = not rest and (bool(marks) or after_mark)
    return "\n".join([*kept, ""] if after_mark else kept)


def _last_line(text: str) -> str:
    return text.replace("\r", "\n").rsplit("\n", 1)[-1]
