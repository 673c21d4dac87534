"""A conversation with one device: learn the prompt, change modes, send one line at a time, see what was refused.

An answer belongs to the line whose echo it begins with. A line that may change something is typed, and Enter pressed
only when its echo stands directly behind the prompt: so an answer that was taken for over too early is noticed before
anything more is done, and what came late is put where it belongs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from config.failpoints import failpoint, halves
from devices.domain.errors import (
    CommandRejected,
    DeviceError,
    EchoMissing,
    EnableRefused,
    LateRefusal,
    NotConfirmed,
    NotWhole,
    PromptTimeout,
    QuestionRepeated,
    SessionLost,
)
from devices.domain.secrets import Login
from devices.drivers.answer import Answer
from devices.drivers.commands import ended, run
from devices.drivers.output import Answers, Progress, Timing
from devices.drivers.platform import Platform
from devices.drivers.prompts import Prompts
from devices.drivers.transport import Transport

#: A network sends a lost packet again after at least so many seconds (RFC 6298, as Linux does it), and four round trips.
RETRANSMISSION = 0.25
#: So long (seconds) a first prompt is awaited before an empty line asks for it.
NUDGE_SECONDS = 2.0
#: So often is waited where nothing came at all.
SILENCES = 3
#: So many empty lines ask for the first prompt.
MOST_NUDGES = 4
#: So long (seconds) the first echo of a session is awaited; a device without it shows lines when they end.
FIRST_ECHO = 4.0


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
        self._prompts = Prompts(platform)
        self._last_prompt = ""
        self._echoes: bool | None = None
        self._shows_typing: bool | None = None
        self._round_trip = 0.0
        self._input_end = ""
        self._before = Sent("", "", in_config=False, changes=False)
        self._marks = 0

    @property
    def base(self) -> str:
        """The fixed part of the device's prompt, for example its host name."""
        return self._prompts.base

    @property
    def in_config(self) -> bool:
        """Say whether the last prompt was one of configuration mode."""
        pattern = self.platform.config_prompt
        return bool(pattern and pattern.search(self._last_prompt))

    def open(self, login: Login, *, changes: bool = True) -> str:
        """Learn the prompt, enter privileged mode, switch paging off; without `changes`, privileged mode may be refused.

        Returns what the device said, for the transcript.
        """
        text = self._first_prompt()
        if self.platform.enable_needed and self.platform.enable_needed.search(self._last_prompt):
            text += self._privileged(login, changes)
        for line in self.platform.preparation:
            try:
                text += self.send(line)
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

    def settle(self) -> None:
        """Make sure that the last answer is over; what still came of it is `late`, LateRefusal when it is a refusal."""
        if self._input_end:
            return
        if self.platform.comment and self._echoes:
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

    @property
    def _quiet(self) -> float:
        """Without a byte for so many seconds, nothing more is on its way."""
        return min(self.timing.quiet + 4 * self._round_trip, 3.0)

    def _first_prompt(self) -> str:
        """Learn the prompt: it is what an empty line brings, for a banner may look like one."""
        answer = self._answer("")
        text, last = self._until_quiet(answer), ""
        for _ in range(MOST_NUDGES):
            self.transport.send(b"\r")
            answer = self._answer("")
            self._until_quiet(answer)
            text += answer.text()
            self._last_prompt = answer.last
            if self._prompts.learn(answer.last, any_text=bool(answer.last.strip()) and answer.last == last):
                return text
            last = answer.last
        raise PromptTimeout(f"The device's prompt was not recognized: '{self._last_prompt[-60:]}'.")

    def _until_quiet(self, answer: Answer) -> str:
        """Read until something that looks like a prompt came, or nothing more comes; what came at login."""
        deadline, silent = time.monotonic() + self.timing.login, 0
        while True:
            data = self._receive(answer, deadline, self.timing.login, NUDGE_SECONDS)
            if not data:
                self._cancelled()
                silent += 1
                if answer.last.strip() or silent >= SILENCES:
                    return answer.text()
                continue
            answer.add(data)
            if self._prompts.find(answer.last):
                return answer.text()

    def _privileged(self, login: Login, changes: bool) -> str:
        if not changes and not login.enable_password:
            self.remarks.append("The session is not privileged: the credential has no enable password.")
            return ""
        try:
            return self._enable(login)
        except EnableRefused as refused:
            if changes:
                raise
            self.remarks.append(f"The session is not privileged. {refused.message}")
            return ""

    def _enable(self, login: Login) -> str:
        asks, line = self.platform.enable_password, self.platform.enable
        self.transport.send(line.encode() + b"\r")
        answer = self._read(self._answer(line), self.timing.command, until=asks.search)
        if asks.search(answer.last):
            if not login.enable_password:
                raise EnableRefused("The device asks for an enable password, but the credential has none.")
            self.transport.send(login.enable_password.reveal().encode() + b"\r")
            answer = self._read(self._answer(""), self.timing.command, until=asks.search)
        needed = self.platform.enable_needed
        if (needed and needed.search(answer.last)) or asks.search(answer.last):
            raise EnableRefused("The device refused the enable password. It was tried once; check the credential.")
        self._last_prompt = answer.last
        return line + "\n"

    def _answer(self, line: str) -> Answer:
        return Answer(line, self._prompts, echoes=self._echoes is not False, renames=self._may_rename(line))

    def _exchange(
        self,
        line: str,
        timeout: float,
        *,
        progress: Progress | None = None,
        answers: Answers = (),
        changes: bool = False,
    ) -> str:
        """Send a line, read its answer, and put what came late where it belongs."""
        answer = self._answer(line)
        in_config, changes = self.in_config, changes and bool(line.strip())
        typed = changes and self._echoes is not False and self._shows_typing is not False
        if changes and not typed:
            self._drain()
        for part in halves("half_sent", line.encode() + (b"" if typed else b"\r")):
            if part:
                self.transport.send(part)
            failpoint("half_sent")
        if typed:
            self._await_echo(answer)
            self._take_late(answer.late)
            self.transport.send(b"\r")
        failpoint("line_sent")
        opens = self.platform.input_end(line) if not self._input_end else ""
        if line in self.platform.save:
            answers = (*answers, *self.platform.save_answers)
        self._read(answer, timeout, progress=progress, answers=answers, opens=opens)
        if not typed:
            self._take_late(answer.late)
        text = answer.text(self.platform.above)
        self._before = Sent(line, text, in_config=in_config, changes=changes)
        return self._whole(answer, text) if line and line == self.platform.show_running else text

    def _judged(self, line: str, text: str) -> str:
        """Return an answer; CommandRejected when it says that the line was refused, or does not say that it was done."""
        refused = self._refusal(line, text, in_config=self._before.in_config)
        if refused:
            raise CommandRejected(line, refused)
        if self.platform.unconfirmed(line, text):
            raise NotConfirmed(line, text.strip() or "nothing", saves=line in self.platform.save)
        return text

    def _refusal(self, line: str, text: str, *, in_config: bool) -> str:
        """Return the device's words by which it refused a line; empty where it did not."""
        status = self.platform.status.match(self._last_prompt) if self.platform.status else None
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

    def _await_echo(self, answer: Answer) -> None:
        """Wait until a typed line stands on the device's screen; Enter was not pressed yet."""
        started = time.monotonic()
        wait = self.timing.echo if self._shows_typing else FIRST_ECHO
        while not answer.echoed:
            data = self._receive(answer, started + wait, wait, expects=False)
            if data:
                answer.add(data)
                if self.platform.pager.search(answer.last):
                    self.transport.send(b" ")
            elif time.monotonic() - started >= wait:
                if not answer.size and not self._shows_typing:
                    self._shows_typing = False
                    answer.forget_echo()
                    return
                raise EchoMissing(
                    f"'{answer.line}' was typed, but the device did not show it behind its prompt, so Enter was not "
                    f"pressed. It showed: '{answer.last.strip()[-200:]}'"
                )
        if not answer.late:
            self._measure(time.monotonic() - started)
        self._shows_typing = self._echoes = True

    def _measure(self, seconds: float) -> None:
        self._round_trip = seconds if not self._round_trip else 0.75 * self._round_trip + 0.25 * seconds

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
        answer = self._answer("")
        deadline = time.monotonic() + self.timing.command
        while data := self._receive(answer, deadline, self.timing.command, self._quiet):
            answer.add(data)
        if answer.size:
            self._take_late(answer.text().strip("\n"))

    def _read(
        self,
        answer: Answer,
        timeout: float,
        *,
        progress: Progress | None = None,
        answers: Answers = (),
        until: Callable[[str], object] | None = None,
        opens: str = "",
    ) -> Answer:
        """Read until the prompt, or `until` the last line is what is awaited; PromptTimeout when it is not in time."""
        started = shown = time.monotonic()
        left, pending = list(answers), b""
        while True:
            data = pending or self._receive(answer, started + timeout, timeout)
            pending = b""
            if not data:
                self._cancelled()
                if self._is_behind_messages(answer) or self._is_without_echo(answer):
                    return self._over(answer)
                if self._is_input(answer, opens, silent=True):
                    return answer
                continue
            answer.add(data)
            last = answer.last
            if self._is_input(answer, opens):
                return answer
            sure = self._at_end(answer, last, until)
            if sure is not None:
                pending = b"" if sure else self._receive(answer, started + timeout, timeout, self._quiet)
                if not pending and self._ends(answer):
                    return self._over(answer)
                continue
            self._serve(answer, last, left)
            if progress and answer.echoed and time.monotonic() - shown > 0.8:
                progress(answer.text())
                shown = time.monotonic()

    def _at_end(self, answer: Answer, last: str, until: Callable[[str], object] | None) -> bool | None:
        """Say whether the last line is what is awaited, and surely so; None where it is not."""
        if until and until(last):
            return answer.echoed
        if not answer.echoed and self._echoes:
            return None
        found = self._prompts.find(last, renamed=answer.renames)
        if not found or (answer.line and answer.echoed and not answer.has_ended_a_line):
            return None
        end = self.platform.config_end
        reads = bool(end and answer.line and answer.line in (self.platform.show_running, self.platform.show_startup))
        whole = not reads or bool(end and answer.holds(end))
        return found.sure and answer.echoed and whole and not self.platform.settles

    def _may_rename(self, line: str) -> bool:
        """Say whether the prompt after a line may have another name; after the first one it is the prompt for sure."""
        first = self._echoes is None and bool(line) and not self._prompts.is_given
        return first or bool(self.platform.renames.search(line)) or line in self.platform.config_enter

    def _ends(self, answer: Answer) -> bool:
        """Say whether an answer before a prompt may be over; the first line of a session shows whether there are
        echoes."""
        if not answer.echoed:
            answer.forget_echo()
            self._echoes = False
        elif answer.line.strip() and self._echoes is None:
            self._echoes = True
        return True

    def _over(self, answer: Answer) -> Answer:
        self._last_prompt, self._input_end = answer.last, ""
        if answer.renames:
            self._prompts.learn(self._last_prompt)
        return answer

    def _is_behind_messages(self, answer: Answer) -> bool:
        """Say whether the prompt stands before messages that came later."""
        last = answer.last_before_messages
        if not answer.echoed or not last or not self._prompts.find(last):
            return False
        answer.drop_messages()
        answer.tail = last.encode()
        return True

    def _is_without_echo(self, answer: Answer) -> bool:
        """Say whether the first line of a session was answered without being shown."""
        if answer.echoed or self._echoes is not None or not self._prompts.find(answer.last):
            return False
        return self._ends(answer)

    def _is_input(self, answer: Answer, opens: str, *, silent: bool = False) -> bool:
        """Say whether the device reads the lines of a text now, for which it shows no prompt."""
        if self._input_end:
            if re.search(self._input_end, answer.line):
                return False
            return answer.echoed and (answer.has_ended_a_line or not answer.line.strip())
        begins = opens and answer.echoed and answer.has_ended_a_line and not self._prompts.find(answer.last)
        if begins and (silent or self.platform.input_asks.search(answer.text())):
            self._input_end = opens
            return True
        return False

    def _serve(self, answer: Answer, last: str, left: list[tuple[str, str]]) -> None:
        """Turn the page, or answer what is asked; QuestionRepeated when it was answered before."""
        if self.platform.pager.search(last):
            self.transport.send(b" ")
            answer.forget_tail()
            return
        if not answer.echoed or not left:
            return
        asked = next((pair for pair in left if pair[0] in last), None)
        if asked is None:
            return
        if asked[0] in answer.asked:
            raise QuestionRepeated(
                f"The device asks '{last.strip()[-200:]}' again after '{answer.line}'; its answer was given once, and "
                "nothing more was sent."
            )
        answer.asked.append(asked[0])
        self.transport.send(asked[1].encode() + b"\r")
        answer.forget_tail()

    def _receive(
        self, answer: Answer, deadline: float, timeout: float, most: float | None = None, *, expects: bool = True
    ) -> bytes:
        """Return what comes within a second (or `most` seconds), or nothing; PromptTimeout and SessionLost say what
        came before."""
        left = deadline - time.monotonic()
        if left <= 0 and answer.overdue and expects:
            raise PromptTimeout(self._silence(answer, timeout))
        # Whoever was kept from looking, for example a process that was stopped for a while, looks once more at the end.
        answer.overdue = left <= 0
        try:
            return self.transport.recv(min(max(left, 0.0), most or 1.0))
        except SessionLost as lost:
            said = answer.text().strip() if answer.echoed else answer.last.strip()
            raise SessionLost(f"{lost.message} Last text: '{said[-200:]}'" if said else lost.message) from lost

    def _silence(self, answer: Answer, timeout: float) -> str:
        what = f"'{answer.line}'" if answer.line else "the login"
        if not answer.echoed and answer.size:
            return (
                f"Within {timeout:g} s after {what} the device did not show it; what it did is unknown. "
                f"Last text: '{answer.last.strip()[-200:]}'"
            )
        said = answer.text().strip()
        return f"No prompt came within {timeout:g} s after {what}; what it did is unknown. Last text: '{said[-200:]}'"


def _said(error: DeviceError) -> str:
    answer = getattr(error, "answer", error.message)
    return " / ".join(line.strip() for line in answer.splitlines() if line.strip(" ^"))[:200] or "no answer"
