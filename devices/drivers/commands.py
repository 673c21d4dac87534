"""Commands that each run on an SSH channel of their own: for systems without a dependable prompt, and for scripts.

The end of a command is the end of its channel, and its exit status says whether it went well.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from config.failpoints import failpoint
from devices.domain.errors import CommandRejected, OutputTooLarge, PromptTimeout, SessionLost
from devices.domain.secrets import Login
from devices.drivers.hub import sleep
from devices.drivers.output import MAX_OUTPUT, Answers, Progress, Timing
from devices.drivers.screen import decode, lines
from devices.drivers.transport import NOTHING, Transport

#: What a command printed so far is shown so often (seconds).
SHOW_EVERY = 0.8


class CommandSession:
    """Like `Session`, but each line is a command of its own.

    Not thread-safe; `cancelled` is asked at least once a second.
    """

    def __init__(
        self, transport: Transport, timing: Timing | None = None, cancelled: Callable[[], None] = lambda: None
    ) -> None:
        self.transport, self.timing, self._cancelled = transport, timing or Timing(), cancelled
        self.remarks: list[str] = []
        self.late = ""

    def open(self, login: Login, *, changes: bool = True) -> str:
        """There is nothing to be learned first."""
        return ""

    def settle(self) -> None:
        """A command is over when its channel is."""

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
        """Run one command, which reads `script`, and return what it printed.

        CommandRejected when it says that it failed.
        """
        self._cancelled()
        return run(self.transport, line, script, timeout or self.timing.command, self._cancelled, progress)

    def ended(self, timeout: float) -> bool:
        """Wait until the system ends the connection; False when it has not within so many seconds."""
        return ended(self.transport, timeout, self._cancelled)

    def close(self) -> None:
        """End the connection."""
        self.transport.close()


def run(
    transport: Transport,
    line: str,
    script: str,
    timeout: float,
    cancelled: Callable[[], None],
    progress: Progress | None,
) -> str:
    """Run a command on an open connection, give it its input, and return what it printed, errors among it."""
    deadline, shown = time.monotonic() + timeout, time.monotonic()
    pieces: list[bytes] = []
    size = 0
    command = transport.execute(line, script.encode())
    failpoint("line_sent")
    try:
        while data := command.recv(min(1.0, max(deadline - time.monotonic(), 0.0))):
            if data is not NOTHING:
                pieces.append(data)
                size += len(data)
            if size > MAX_OUTPUT:
                raise OutputTooLarge(
                    f"The device sent more than {MAX_OUTPUT // 2**20} MB for '{line}'; reading was stopped."
                )
            if time.monotonic() >= deadline:
                said = f" Last text: '{_text(pieces).strip()[-200:]}'" if pieces else ""
                raise PromptTimeout(f"'{line}' did not end within {timeout:g} s; what it did is unknown.{said}")
            cancelled()
            if progress and time.monotonic() - shown > SHOW_EVERY:
                progress(_text(pieces))
                shown = time.monotonic()
        status = command.status()
    finally:
        command.close()
    answer = _text(pieces)
    if status is None:
        raise SessionLost(f"The connection ended during '{line}'; what it did is unknown.")
    if status:
        raise CommandRejected(line, f"{answer.rstrip()}\nexit status {status}".lstrip())
    return answer


def ended(transport: Transport, timeout: float, cancelled: Callable[[], None]) -> bool:
    """Wait until the other side ends the connection; False when it has not within so many seconds."""
    deadline = time.monotonic() + timeout
    while transport.is_open:
        if time.monotonic() > deadline:
            return False
        cancelled()
        sleep(0.2)
    return True


def _text(pieces: list[bytes]) -> str:
    return lines(decode(b"".join(pieces)))
