"""Read what a device sends after a line, until its prompt: how long to wait, what to answer, when an answer is over."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from devices.domain.errors import EchoMissing, PromptTimeout, QuestionRepeated, SessionLost
from devices.drivers.answer import Answer
from devices.drivers.output import Answers, Progress, Timing
from devices.drivers.platform import Platform
from devices.drivers.prompts import Prompts
from devices.drivers.transport import Transport

#: So long (seconds) a first prompt is awaited before an empty line asks for it.
NUDGE_SECONDS = 2.0
#: So often is waited where nothing came at all.
SILENCES = 3
#: So long (seconds) the first echo of a session is awaited; a device without it shows lines when they end.
FIRST_ECHO_SECONDS = 4.0
#: So long (seconds) is waited at most until nothing more can be on its way.
MOST_QUIET_SECONDS = 3.0
#: What came so far is shown so often (seconds).
SHOW_SECONDS = 0.8


class Reader:
    """Reads one shell. It learns whether the device `echoes` lines, and whether it `shows_typing` (None: not known).

    `input_end` is the pattern of the line that ends the text which the device reads now, without a prompt.
    """

    def __init__(self, transport: Transport, platform: Platform, timing: Timing, cancelled: Callable[[], None]) -> None:
        self.transport, self.platform, self.timing, self._cancelled = transport, platform, timing, cancelled
        self.prompts = Prompts(platform)
        self.last_prompt = ""
        self.echoes: bool | None = None
        self.shows_typing: bool | None = None
        self.input_end = ""
        self._round_trip = 0.0

    @property
    def quiet(self) -> float:
        """Without a byte for so many seconds, nothing more is on its way."""
        return min(self.timing.quiet + 4 * self._round_trip, MOST_QUIET_SECONDS)

    def until_quiet(self, answer: Answer) -> str:
        """Read until something that looks like a prompt came, or nothing more comes; what came at login."""
        deadline, silent = time.monotonic() + self.timing.login, 0
        while True:
            data = self.receive(answer, deadline, self.timing.login, NUDGE_SECONDS)
            if not data:
                self._cancelled()
                silent += 1
                if answer.last.strip() or silent >= SILENCES:
                    return answer.text()
                continue
            answer.add(data)
            if self.prompts.find(answer.last):
                return answer.text()

    def answer(self, line: str) -> Answer:
        """Return what collects the answer to a line that is about to be sent."""
        return Answer(line, self.prompts, echoes=self.echoes is not False, renames=self._may_rename(line))

    def await_echo(self, answer: Answer, timeout: float) -> None:
        """Wait until a typed line stands on the device's screen; Enter was not pressed yet.

        The device may still be busy with the line before, as long as that may take.
        """
        started = time.monotonic()
        wait = timeout if self.shows_typing else FIRST_ECHO_SECONDS
        while not answer.echoed:
            data = self.receive(answer, started + wait, wait, expects=False)
            if data:
                answer.add(data)
                if self.platform.pager.search(answer.last):
                    self.transport.send(b" ")
            elif time.monotonic() - started >= wait:
                if not answer.size and not self.shows_typing:
                    self.shows_typing = False
                    return
                raise EchoMissing(
                    f"'{answer.line}' was typed, but the device did not show it behind its prompt, so Enter was not "
                    f"pressed. It showed: '{answer.last.strip()[-200:]}'"
                )
        if answer.prompt:
            self.last_prompt = answer.prompt
        else:
            self._measure(time.monotonic() - started)
        self.shows_typing = self.echoes = True

    def _measure(self, seconds: float) -> None:
        self._round_trip = seconds if not self._round_trip else 0.75 * self._round_trip + 0.25 * seconds

    def read(
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
            data = pending or self.receive(answer, started + timeout, timeout)
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
                pending = b"" if sure else self.receive(answer, started + timeout, timeout, self.quiet)
                if not pending:
                    self._learn_echo(answer)
                    return self._over(answer)
                continue
            self._serve(answer, last, left)
            if progress and answer.echoed and time.monotonic() - shown > SHOW_SECONDS:
                progress(answer.text())
                shown = time.monotonic()

    def _at_end(self, answer: Answer, last: str, until: Callable[[str], object] | None) -> bool | None:
        """Say whether the last line is what is awaited, and surely so; None where it is not."""
        if until and until(last):
            return answer.echoed
        if not answer.echoed and self.echoes:
            return None
        found = self.prompts.find(last, renamed=answer.renames)
        if not found or (answer.line and answer.echoed and not answer.has_ended_a_line):
            return None
        end = self.platform.config_end
        reads = bool(end and answer.line and answer.line in (self.platform.show_running, self.platform.show_startup))
        whole = not reads or bool(end and answer.holds(end))
        return found.sure and answer.echoed and whole and not self.platform.settles

    def _may_rename(self, line: str) -> bool:
        """Say whether the prompt after a line may have another name; after the first one it is the prompt for sure."""
        first = self.echoes is None and bool(line) and not self.prompts.is_given
        return first or bool(self.platform.renames.search(line)) or line in self.platform.config_enter

    def _learn_echo(self, answer: Answer) -> None:
        """Note whether there are echoes: the first answer of a session that is over shows it."""
        if not answer.echoed:
            answer.forget_echo()
            self.echoes = False
        elif answer.line.strip() and self.echoes is None:
            self.echoes = True

    def _over(self, answer: Answer) -> Answer:
        self.last_prompt, self.input_end = self.prompts.within(answer.last, renamed=answer.renames), ""
        if answer.renames:
            self.prompts.learn(self.last_prompt)
        return answer

    def _is_behind_messages(self, answer: Answer) -> bool:
        """Say whether the prompt stands before messages that came later."""
        last = answer.last_before_messages
        if not answer.echoed or not last or not self.prompts.find(last):
            return False
        answer.drop_messages()
        answer.tail = last.encode()
        return True

    def _is_without_echo(self, answer: Answer) -> bool:
        """Say whether the first line of a session was answered without being shown."""
        if answer.echoed or self.echoes is not None or not self.prompts.find(answer.last):
            return False
        self._learn_echo(answer)
        return True

    def _is_input(self, answer: Answer, opens: str, *, silent: bool = False) -> bool:
        """Say whether the device reads the lines of a text now, for which it shows no prompt."""
        if self.input_end:
            if re.search(self.input_end, answer.line):
                return False
            return answer.echoed and (answer.has_ended_a_line or not answer.line.strip())
        begins = opens and answer.echoed and answer.has_ended_a_line and not self.prompts.find(answer.last)
        if begins and (silent or self.platform.input_asks.search(answer.text())):
            self.input_end = opens
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

    def receive(
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
