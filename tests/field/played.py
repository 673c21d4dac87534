"""A terminal of no device in particular: it echoes what is typed, pages, asks and says what a case gives it to say."""

from __future__ import annotations

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent / "documented"
ROWS = 24


def documented():
    """Return what is documented of the messages of each platform, by key."""
    return {path.stem: tomllib.loads(path.read_text()) for path in sorted(FOLDER.glob("*.toml"))}


class Terminal:
    """A transport that plays a device. `says` gives the answer to a line, `modes` the prompt from a line on.

    A line in `asks` is answered by its questions first; `lines` is what arrived, `given` what questions were answered.
    """

    def __init__(self, prompt, says=None, *, modes=None, pager="", asks=None):
        self.prompt, self.says, self.modes = prompt, says or {}, modes or {}
        self.pager, self.asks = pager, asks or {}
        self.lines, self.given, self.pages = [], [], 0
        self._out, self._typed, self._rows, self._left, self._line = [], "", [], [], ""
        self.is_open = True

    def send(self, data):
        """Take keys; a pager takes any, all else is echoed."""
        for sign in data.decode():
            if self._rows:
                self._show("\r" + " " * len(self.pager) + "\r")
            elif sign == "\r":
                self._enter()
            else:
                self._typed += sign
                self._out.append(sign)

    def _enter(self):
        line, self._typed = self._typed, ""
        self._out.append("\r\n")
        if self._left:
            self.given.append(line)
        else:
            self.lines.append(line)
            self._line, self._left = line, [None, *self.asks.get(line, ())]
        self._left.pop(0)
        if self._left:
            self._out.append(f"Are you sure {self._left[0]} ")
            return
        self.prompt = self.modes.get(self._line, self.prompt)
        self._rows = self.says.get(self._line, "").splitlines()
        self._show()

    def _show(self, wiped=""):
        most = ROWS if self.pager else len(self._rows)
        shown, self._rows = self._rows[:most], self._rows[most:]
        self.pages += bool(self._rows)
        end = self.pager if self._rows else self.prompt.replace("\n", "\r\n")
        self._out.append(wiped + "".join(f"{row}\r\n" for row in shown) + end)

    def recv(self, timeout):
        """Return what was shown since."""
        found, self._out = "".join(self._out), []
        return found.encode()

    def close(self):
        """End it."""
        self.is_open = False


RECORDINGS = Path(__file__).parent / "recordings"


class Player:
    """A transport that plays a recording: what came after something was sent comes after the same is sent again.

    `clock.now` is moved on where the session waits for nothing.
    """

    def __init__(self, events, clock):
        self.events, self.clock, self.sent, self.is_open = list(events), clock, "", True
        self.wanted = "".join(text for _, kind, text in events if kind == "sent")

    def send(self, data):
        self.sent += data.decode("utf-8", "surrogateescape")
        assert self.wanted.startswith(self.sent), f"it sends {self.sent[-80:]!r}; recorded: {self.wanted!r}"

    def recv(self, timeout):
        before = 0
        for number, (_, kind, text) in enumerate(self.events):
            if kind == "sent":
                before += len(text)
            elif before <= len(self.sent):
                del self.events[number]
                return text.encode("utf-8", "surrogateescape")
            else:
                break
        self.clock.now += max(timeout, 0.01)
        return b""

    def close(self):
        self.is_open = False
