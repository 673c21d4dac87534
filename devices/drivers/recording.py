"""A conversation with a real device as data: every chunk with its time, what was sent, and what came of each line.

Secrets are blanked, each character by one: so what is played back has the same lengths and the same pieces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypedDict

from devices.domain.errors import CommandRejected, DeviceError
from devices.domain.masking import BLANK
from devices.domain.secrets import Login, Secret
from devices.drivers.session import Session
from devices.drivers.transport import Command, Transport

#: Of what this module writes; what plays it back refuses another.
FORMAT = 1
SENT = "sent"
GOT = "got"
#: (milliseconds since the beginning, `sent` or `got`, text; a byte that is no UTF-8 is a surrogate escape).
Event = tuple[int, str, str]


class Expected(TypedDict):
    """What came of one line: the device's answer, or the error's code with the device's words."""

    line: str
    answer: str
    error: str


class Recording(TypedDict):
    """One case file. `name` is the prompt's name that Netmiko found, else empty; `prompt` the one that was learned."""

    format: int
    what: str
    platform: str
    changes: bool
    name: str
    prompt: str
    enable: str
    events: list[Event]
    expected: list[Expected]


class Tap:
    """A transport that notes what goes through another one."""

    def __init__(self, transport: Transport) -> None:
        self._transport, self._began = transport, time.monotonic()
        self.events: list[tuple[int, str, bytes]] = []

    def execute(self, command: str, given: bytes) -> Command:
        """Commands on channels of their own are not recorded."""
        return self._transport.execute(command, given)

    def send(self, data: bytes) -> None:
        """Note it and send it."""
        self._note(SENT, data)
        self._transport.send(data)

    def recv(self, timeout: float) -> bytes:
        """Return what came, and note it."""
        data = self._transport.recv(timeout)
        if data:
            self._note(GOT, data)
        return data

    def _note(self, kind: str, data: bytes) -> None:
        self.events.append((int((time.monotonic() - self._began) * 1000), kind, data))

    @property
    def is_open(self) -> bool:
        """Say whether the device has not ended the connection."""
        return self._transport.is_open

    @property
    def peer(self) -> str:
        """The address that is connected to."""
        return self._transport.peer

    def close(self) -> None:
        """End it."""
        self._transport.close()


def record(session: Session, login: Login, lines: Sequence[str], *, changes: bool) -> tuple[Tap, list[Expected]]:
    """Open a session and send lines until one is refused or nothing is known; return what went through."""
    taps: list[Tap] = []

    def wrap(transport: Transport) -> Transport:
        taps.append(Tap(transport))
        return taps[0]

    session.tap(wrap)
    expected: list[Expected] = []
    line = ""
    try:
        session.open(login, changes=changes)
        for line in lines:
            expected.append(Expected(line=line, answer=session.send(line, changes=changes), error=""))
    except CommandRejected as refused:
        expected.append(Expected(line=line, answer=refused.answer, error=refused.code))
    except DeviceError as error:
        expected.append(Expected(line=line, answer=error.message, error=error.code))
    return taps[0], expected


def stand_in(secret: Secret) -> str:
    """Return what stands for a secret: as long as it is."""
    return BLANK * len(secret.reveal())


def blanked(events: Sequence[tuple[int, str, bytes]], blank: Callable[[str], str], secrets: set[str]) -> list[Event]:
    """Return the events without secrets. A value may be cut between chunks, so each direction is looked at as a whole;
    what was sent as an answer and is nothing but a secret is blanked whatever it is."""
    found: dict[int, str] = {}
    for wanted in (SENT, GOT):
        parts = [(n, _text(data)) for n, (_, kind, data) in enumerate(events) if kind == wanted]
        whole = blank("".join(text for _, text in parts))
        at = 0
        for number, text in parts:
            kept = whole[at : at + len(text)]
            found[number] = BLANK * len(text.rstrip("\r")) + "\r" if text.rstrip("\r") in secrets else kept
            at += len(text)
    return [(when, kind, found[number]) for number, (when, kind, _) in enumerate(events)]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
