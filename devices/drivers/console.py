"""A session on a device's serial line, to which SSH leads through a console server.

Nothing comes on the line until Enter is pressed, and then whatever the line was left in: a login prompt, a pager,
configuration mode, a session that somebody has left open. Nothing of it is known to be ours, so nothing is kept of it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress

from devices.domain.errors import DeviceError, LoginRefused, PromptTimeout
from devices.domain.secrets import Login
from devices.drivers.answer import Answer
from devices.drivers.platform import Platform
from devices.drivers.session import Session
from devices.drivers.transport import Transport

#: So many answers a line is given until it shows a prompt; a device that boots shows more.
MOST_ROUNDS = 24
USER = re.compile(r"(?:^|\s)(?:user ?name|login|user)\s?:\s*$", re.IGNORECASE)
PASSWORD = re.compile(r"(?:^|\s)password[^:\n]{0,40}:\s*$", re.IGNORECASE)
REFUSED = re.compile(
    r"(?:login (?:incorrect|invalid|failed)|authentication fail|access denied|bad passwords|login failure)",
    re.IGNORECASE,
)
PAGER = re.compile(r"--\s?\(?more[^\n]{0,30}$", re.IGNORECASE)
#: Asked where configuration mode is left with changes that nobody committed: they are dropped.
UNCOMMITTED = re.compile(r"(?:uncommitted changes|commit them)[^\n]{0,120}$", re.IGNORECASE)
#: So long (seconds) is waited for the first sign of life after Enter, and after what no answer is awaited to.
SILENCE = 2.0
#: Leaves an exec session on every platform that has a console.
LOG_OUT = b"exit\r"


class ConsoleSession(Session):
    """A `Session` that begins and ends on a line: `open` logs in there where it is asked for, and `log_out` logs
    out."""

    def __init__(self, transport: Transport, platform: Platform, cancelled: Callable[[], None] = lambda: None) -> None:
        super().__init__(transport, platform, cancelled=cancelled)
        self._is_at_prompt = False

    def open(self, login: Login, *, changes: bool = True) -> str:
        """Come to a prompt of exec mode, then go on as on any shell; LoginRefused, PromptTimeout."""
        said = self._arrive(login)
        text = said + super().open(login, changes=changes)
        self._is_at_prompt = True
        return text

    def log_out(self) -> None:
        """Leave the line logged out, where it is known to wait for a line: what is asked there is never answered so."""
        if not self._is_at_prompt or self._reader.input_end:
            return
        with suppress(DeviceError, OSError):
            if self.in_config:
                self._leave_config()
            self.transport.send(LOG_OUT)
            self.transport.recv(1.0)
        self._is_at_prompt = False

    def _first_prompt(self) -> str:
        return ""  # `_arrive` has learned it: what Enter brought twice

    def _exchange(self, *given: object, **named: object) -> str:
        self._is_at_prompt = False
        found: str = super()._exchange(*given, **named)  # type: ignore[arg-type]
        self._is_at_prompt = True
        return found

    def _arrive(self, login: Login) -> str:
        user_given = password_given = False
        said, last, strange = "", "", 0
        self.transport.send(b"\r")
        for _ in range(MOST_ROUNDS):
            answer, before = self._listen(), last
            text, last = answer.text(), answer.last.strip()
            said += text
            if user_given and REFUSED.search(f"{text}\n{last}"):
                raise self._refused(login)
            if PAGER.search(last) or self.platform.pager.search(last):
                self.transport.send(b"q")
            elif UNCOMMITTED.search(last):
                self.transport.send(b"no\r")
            elif USER.search(last):
                if user_given:
                    raise self._refused(login)
                user_given = True
                self.transport.send(login.username.encode() + b"\r")
            elif PASSWORD.search(last):
                # What is asked first may be for a name that somebody else has typed; a line without names asks again.
                strange += not user_given
                if password_given:
                    raise self._refused(login)
                password_given = user_given or strange > 1
                user_given = user_given or password_given
                self.transport.send((login.password.reveal().encode() if password_given else b"") + b"\r")
            elif self.platform.config_prompt and self.platform.config_prompt.search(last):
                self._leave_config()
            elif self.platform.prompt.match(last) and last == before:
                self._reader.prompts.learn(answer.last)
                self._reader.last_prompt = answer.last
                return said
            else:
                self.transport.send(b"\r")
        raise PromptTimeout(f"The serial line came to no prompt; it showed last: '{said.strip()[-120:]}'.")

    def _leave_config(self) -> None:
        """Leave configuration mode and keep nothing."""
        for line in self.platform.abandon:
            self.transport.send(line.encode() + b"\r")
            if line != self.platform.abandon[-1]:
                self._listen()

    def _listen(self) -> Answer:
        """Return what comes until the line waits for something, or until nothing more comes."""
        answer, timeout = self._reader.answer(""), self.timing.login
        deadline, waits = time.monotonic() + timeout, False
        while data := self._reader.receive(answer, deadline, timeout, self._reader.quiet if waits else SILENCE):
            answer.add(data)
            waits = self._waits(answer.last.strip())
        self._cancelled()
        return answer

    def _waits(self, last: str) -> bool:
        """Say whether a line looks as if an answer to it were awaited."""
        return bool(
            last
            and (USER.search(last) or PASSWORD.search(last) or PAGER.search(last) or UNCOMMITTED.search(last))
            or self.platform.prompt.match(last)
        )

    def _refused(self, login: Login) -> LoginRefused:
        return LoginRefused(
            f"The device refused the login of '{login.username}' on its console line. It was tried once; check the "
            "credential."
        )
