"""A conversation with one device: learn the prompt, change modes, send one line at a time, see what was refused.

An answer belongs to the line whose echo it begins with. A line that may change something is typed, and Enter pressed
only when its echo stands directly behind the prompt: so an answer that was taken for over too early is noticed before
anything more is done, and what came late is put where it belongs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from config.failpoints import failpoint, halves
from devices.domain.errors import (
    CommandRejected,
    DeviceError,
    EnableRefused,
    LateRefusal,
    NotConfirmed,
    NotWhole,
    PromptTimeout,
)
from devices.domain.secrets import Login
from devices.drivers.answer import Answer
from devices.drivers.commands import ended, run
from devices.drivers.output import Answers, Progress, Timing
from devices.drivers.platform import Platform
from devices.drivers.reader import Reader
from devices.drivers.transport import Transport

#: So many empty lines ask for the first prompt.
MOST_NUDGES = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """A line that was sent, its answer, and in which mode: by this a refusal that comes late is known."""

    line: str
    answer: str
    in_config: bool
    changes: bool


class Session:
    """Drives one shell. Not thread-safe; `cancelled` is asked at least once a second while waiting.

    `remarks` are sentences on what the product's own lines met with; `late` is what came of the answer before the last
    line, after it had been taken for over.
    """

    def __init__(
        self,
        transport: Transport,
        platform: Platform,
        timing: Timing | None = None,
        cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        self.transport, self.platform = transport, platform
        self.timing = timing or Timing()
        self.remarks: list[str] = []
        self.late = ""
        self._cancelled = cancelled
        self._reader = Reader(transport, platform, timing or Timing(), cancelled)
        self._before = Sent("", "", in_config=False, changes=False)
        self._marks = 0

    @property
    def base(self) -> str:
        """The fixed part of the device's prompt, for example its host name."""
        return self._reader.prompts.base

    @property
    def in_config(self) -> bool:
        """Say whether the last prompt was one of configuration mode."""
        pattern = self.platform.config_prompt
        return bool(pattern and pattern.search(self._reader.last_prompt))

    def open(self, login: Login, *, changes: bool = True) -> str:
        """Learn the prompt, enter privileged mode, which may be refused without `changes`, and switch paging off.

        Returns what the device said, for the transcript.
        """
        text = self._first_prompt()
        if self.platform.enable_needed and self.platform.enable_needed.search(self._reader.last_prompt):
            text += self._privileged(login, changes)
        for line in self.platform.preparation:
            try:
                # The first line shows whether the device echoes what is typed: nothing is sent blindly later.
                text += self._judged(line, self._exchange(line, self.timing.command, typed=changes))
            except CommandRejected as refused:
                self.remarks.append(f"The device refused '{line}', which only prepares the session: {_said(refused)}")
        return text

    def send(
        self,
        line: str,
        *,
        timeout: float | None = None,
        progress: Progress | None = None,
        answers: Answers = (),
        script: str = "",
        changes: bool = False,
    ) -> str:
        """Send one line and return the device's answer without echo and prompt. CommandRejected when it says no.

        `answers` are the only questions that are answered, each once: (text in the waiting line, what to send). A
        command that reads a `script` gets a channel of its own. A line that `changes` something is not sent before it
        stands on the device's screen; LateRefusal when the device turns out to have refused the line before.
        """
        self._cancelled()
        wait = timeout or self.timing.command
        if script:
            return run(self.transport, line, script, wait, self._cancelled, progress)
        found = self._exchange(line, wait, progress=progress, answers=answers, changes=changes)
        return self._judged(line, found)

    def tap(self, wrap: Callable[[Transport], Transport]) -> None:
        """Put something between the session and its transport, which sees what is sent and received."""
        self.transport = self._reader.transport = wrap(self.transport)

    def settle(self) -> None:
        """Make sure that the last answer is over; what still came of it is `late`, LateRefusal when it is a refusal."""
        if self._reader.input_end:
            return
        if self.platform.comment and self._reader.echoes:
            self._marks += 1
            kept = self._before
            self._exchange(f"{self.platform.comment}end-of-answer-{self._marks}", self.timing.command)
            self._before = kept
        else:
            self._drain()

    def ended(self, timeout: float) -> bool:
        """Wait until the device ends the connection; False when it has not within so many seconds."""
        return ended(self.transport, timeout, self._cancelled)

    def close(self) -> None:
        """End the connection."""
        self.transport.close()

    def _first_prompt(self) -> str:
        """Learn the prompt: it is what an empty line brings, for a banner may look like one."""
        answer = self._reader.answer("")
        text, last = self._reader.until_quiet(answer), ""
        for _ in range(MOST_NUDGES):
            self.transport.send(b"\r")
            answer = self._reader.answer("")
            self._reader.until_quiet(answer)
            text += answer.text()
            self._reader.last_prompt = answer.last
            if self._reader.prompts.learn(answer.last, any_text=bool(answer.last.strip()) and answer.last == last):
                return text
            last = answer.last
        raise PromptTimeout(f"The device's prompt was not recognized: '{self._reader.last_prompt[-60:]}'.")

    def _privileged(self, login: Login, changes: bool) -> str:
        """Enter privileged mode; whoever only reads and has no password for it goes on without."""
        if not changes and not login.enable_password:
            return ""
        asks, line = self.platform.enable_password, self.platform.enable
        self.transport.send(line.encode() + b"\r")
        answer = self._reader.read(self._reader.answer(line), self.timing.command, until=asks.search)
        if asks.search(answer.last):
            if not login.enable_password:
                raise EnableRefused("The device asks for an enable password, but the credential has none.")
            self.transport.send(login.enable_password.reveal().encode() + b"\r")
            answer = self._reader.read(self._reader.answer(""), self.timing.command, until=asks.search)
        needed = self.platform.enable_needed
        if (needed and needed.search(answer.last)) or asks.search(answer.last):
            raise EnableRefused("The device refused the enable password. It was tried once; check the credential.")
        self._reader.last_prompt = answer.last
        return line + "\n"

    def _exchange(
        self,
        line: str,
        timeout: float,
        *,
        progress: Progress | None = None,
        answers: Answers = (),
        changes: bool = False,
        typed: bool = False,
    ) -> str:
        """Send a line, read its answer, and put what came late where it belongs."""
        answer = self._reader.answer(line)
        in_config, changes = self.in_config, changes and bool(line.strip())
        shows = self._reader.echoes is not False and self._reader.shows_typing is not False
        typed = (typed or changes) and shows
        if changes and not typed:
            self._drain()
        for part in halves("half_sent", line.encode() + (b"" if typed else b"\r")):
            if part:
                self.transport.send(part)
            failpoint("half_sent")
        if typed:
            self._reader.await_echo(answer, timeout)
            self._take_late(answer.late)
            in_config = self.in_config
            self.transport.send(b"\r")
        failpoint("line_sent")
        opens = self.platform.input_end(line) if not self._reader.input_end else ""
        if line in self.platform.save:
            answers = (*answers, *self.platform.save_answers)
        self._reader.read(answer, timeout, progress=progress, answers=answers, opens=opens)
        if not typed:
            self._take_late(answer.late)
        text = answer.text(self.platform.above)
        self._before = Sent(line, text, in_config=in_config or self.in_config, changes=changes)
        return self._whole(answer, text) if line and line == self.platform.show_running else text

    def _judged(self, line: str, text: str) -> str:
        """Return an answer; CommandRejected when it is a refusal, NotConfirmed when it does not say that it is done."""
        refused = self._refusal(line, text, in_config=self._before.in_config)
        if refused:
            raise CommandRejected(line, refused)
        if self.platform.unconfirmed(line, text):
            raise NotConfirmed(line, text.strip() or "nothing", saves=line in self.platform.save)
        return text

    def _refusal(self, line: str, text: str, *, in_config: bool) -> str:
        """Return the device's words by which it refused a line; empty where it did not."""
        status = self.platform.status.match(self._reader.last_prompt) if self.platform.status else None
        if status:
            code = int(status["status"])
            if not code or (code == 1 and not text.strip() and self.platform.finds_nothing.search(line)):
                return ""
            return f"{text.strip()}\nexit status {code}".lstrip()
        return text.strip() if self.platform.rejection(text, in_config=in_config) else ""

    def _whole(self, answer: Answer, text: str) -> str:
        """Return a configuration when it is whole; NotWhole when it ended without its end mark."""
        end = self.platform.config_end
        if end and answer.holds(end):
            return text
        if self._refusal(answer.line, text, in_config=False):
            return text
        self.settle()
        text += self.late
        self.late = ""
        if end and not end.search(text):
            raise NotWhole(answer.line, text)
        return text

    def _take_late(self, text: str) -> None:
        """Put what came late to the answer before; LateRefusal when that says now that its line was refused."""
        if not text:
            return
        self.late += text if text.endswith("\n") else text + "\n"
        before = self._before
        whole = (
            f"{before.answer}\n{text}" if before.answer and not before.answer.endswith("\n") else before.answer + text
        )
        if before.changes and self.platform.rejection(whole, in_config=before.in_config):
            raise LateRefusal(before.line, whole.strip(), text)

    def _drain(self) -> None:
        """Read what still comes without being asked for, until nothing does."""
        answer = self._reader.answer("")
        deadline = time.monotonic() + self.timing.command
        while data := self._reader.receive(answer, deadline, self.timing.command, self._reader.quiet):
            answer.add(data)
        if answer.size:
            self._take_late(answer.text().strip("\n"))


def _said(error: DeviceError) -> str:
    answer = getattr(error, "answer", error.message)
    return " / ".join(line.strip() for line in answer.splitlines() if line.strip(" ^"))[:200] or "no answer"
