"""What comes after a line was sent: first what still belongs to the answer before, then the echo, then the answer."""

from __future__ import annotations

import re

from config.failpoints import failpoint
from devices.domain.errors import OutputTooLarge
from devices.drivers import echo
from devices.drivers.output import MAX_OUTPUT
from devices.drivers.prompts import Prompts
from devices.drivers.screen import SYSLOG, decode, last_line, lines, unpaged

#: So many bytes at the end are looked at for a prompt or a question.
TAIL = 400
#: So many bytes are searched for an echo at a time; what is older holds none.
WINDOW = 8192


class Answer:
    """Collects bytes.

    `late` is the text before the echo, `prompt` the one right before it where it came again, `echoed` whether the echo
    is whole (or none is awaited); `renames` says that the prompt after it may have another name; `asked` are the
    questions that were answered.
    """

    def __init__(self, line: str, prompts: Prompts, *, echoes: bool = True, renames: bool = False) -> None:
        self.line, self.size, self.tail, self.overdue = line, 0, b"", False
        self.late, self.prompt, self.renames = "", "", renames
        self.asked: list[str] = []
        self.echoed = not (echoes and line.strip())
        self._prompts, self._sent = prompts, line.encode()
        self._ends_with = self._sent.rstrip()[-1:]
        self._before = b""
        self._window = b""
        self._pieces: list[bytes] = []
        self._searched, self._seam, self._held = 0, b"", False

    def add(self, data: bytes) -> None:
        """Take more of it; OutputTooLarge beyond what is kept."""
        if not self.size and self.line:
            failpoint("answer_begun")
        self.size += len(data)
        if self.size > MAX_OUTPUT:
            raise OutputTooLarge(
                f"The device sent more than {MAX_OUTPUT // 2**20} MB for '{self.line}'; reading was stopped."
            )
        if not self.echoed:
            data = self._look_for_echo(data)
        if data:
            self._pieces.append(data)
        self.tail = (self.tail + data)[-TAIL:]

    def forget_echo(self) -> None:
        """Take what came as the answer: the device shows no echo."""
        self.echoed = True
        self._pieces = [self._before + self._window]
        self.tail = self._pieces[0][-TAIL:]

    def forget_tail(self) -> None:
        """What waits in the last line was answered; it waits no longer."""
        self.tail = b""

    def _look_for_echo(self, data: bytes) -> bytes:
        """Return what stands behind the echo, b"" while there is none."""
        self._window += data
        if not self._before and self._window.startswith(self._sent):
            self.echoed, rest = True, self._window[len(self._sent) :]
            self._window = b""
            return rest
        text = decode(self._window) if self._ends_with in data else ""  # else it is not whole yet
        found = echo.find(text, self.line, self._is_prompt) if text else None
        if found:
            begin, end = found
            came = decode(self._before) + text[:begin]
            self.late = lines(echo.before(came, self.line, self._without_prompt))
            self.prompt = self._prompts.within(last_line(came))
            self.echoed, self._before, self._window = True, b"", b""
            return text[end:].encode()
        if len(self._window) > WINDOW + 4 * len(self._sent):
            cut = self._window.rfind(b"\n", 0, -4 * len(self._sent) - TAIL) + 1
            self._before += self._window[:cut]
            self._window = self._window[cut:]
        return b""

    def _is_prompt(self, text: str) -> bool:
        return bool(self._prompts.find(last_line(text)))

    def _without_prompt(self, text: str) -> str:
        body, cut, last = text.rpartition("\n")
        found = self._prompts.find(last_line(last))
        return body + cut + last_line(last)[: found.at] if found else text

    @property
    def last(self) -> str:
        """Its last line, begun or whole; before the echo, that of what came instead."""
        return last_line(decode(self.tail if self.echoed else self._window[-TAIL:]))

    @property
    def last_before_messages(self) -> str:
        """The last line before messages that the device printed behind it; empty when there are none."""
        text = decode(self.tail).replace("\r\n", "\n")
        if "%" not in text or not SYSLOG.search(text):
            return ""
        return last_line(SYSLOG.sub("", text).rstrip("\r\n"))

    def drop_messages(self) -> None:
        """Forget the messages behind the prompt, which are no part of the answer."""
        self._pieces = [SYSLOG.sub("", decode(b"".join(self._pieces)).replace("\r\n", "\n")).rstrip("\r\n").encode()]

    @property
    def has_ended_a_line(self) -> bool:
        """Say whether a line's end came behind the echo."""
        return any(b"\n" in piece or b"\r" in piece for piece in self._pieces)

    def holds(self, pattern: re.Pattern[str]) -> bool:
        """Say whether a line that matches has come; what was searched once is not searched again."""
        fresh = self._seam + b"".join(self._pieces[self._searched :])
        self._searched = len(self._pieces)
        self._held = self._held or bool(pattern.search(lines(decode(fresh))))
        # The line that is not over yet, or a part of it that is no begin of a line.
        begun = fresh[max(fresh.rfind(b"\n"), fresh.rfind(b"\r")) + 1 :]
        self._seam = begun if len(begun) <= TAIL else b"x" + begun[-TAIL:]
        return self._held

    def text(self, above: re.Pattern[str] | None = None) -> str:
        """Return the answer as a terminal shows it, without the prompt at its end, and without the lines `above` it."""
        whole = lines(decode(b"".join(self._pieces)))
        head, end, rest = whole.partition("\n")
        shown = rest if end and not head.strip() else whole  # what ended the echoed line
        body, cut, last = shown.rpartition("\n")
        found = self._prompts.find(last)
        if found:
            shown = body + cut + last[: found.at] + ("\n" if found.at else "")
        if above:
            shown = above.sub("", shown)
        return unpaged(shown)
