"""Where a device's echo of a line begins and ends in what it sent: the sign by which an answer belongs to its command.

A terminal echoes a line as it is typed, wraps it, scrolls it, or draws it again after a message. What stands before the
echo is no part of the answer: it still belongs to the command before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from devices.drivers.screen import SYSLOG

#: So many signs at the beginning of a line must be echoed in one piece.
HEAD = 12
#: What wrapping and drawing again leave between the signs of an echo.
NOISE = r"(?:[\s\b$]|\x1b\[[0-9]*[KCDGP])*"


@lru_cache(maxsize=256)
def _head(line: str) -> re.Pattern[str]:
    signs = [re.escape(sign) for sign in line if not sign.isspace()][:HEAD]
    return re.compile(NOISE.join(signs))


def find(text: str, line: str, is_prompt: Callable[[str], bool]) -> tuple[int, int] | None:
    """Return where the echo of a line begins and ends in a decoded text, or None while it is not whole.

    It stands at the beginning, behind messages of the device, or behind a prompt (`is_prompt` of the text before it in
    its line).
    """
    if not line.strip():
        return None
    for found in _head(line).finditer(text):
        begin = text.rfind("\n", 0, found.start()) + 1
        before = text[begin : found.start()]
        first = not before.strip() and not SYSLOG.sub("", text[:begin]).strip()
        if first or (before.strip() and is_prompt(before.lstrip("\r"))):
            end = _end(text, line, found.start())
            if end:
                return found.start(), end
    return None


def _end(text: str, line: str, start: int) -> int:
    """Return behind which sign all of the line's were echoed, 0 where they were not yet."""
    at = start
    for sign in line:
        if sign.isspace():
            continue
        at = text.find(sign, at) + 1
        if not at:
            return 0
    return at


def before(text: str, line: str, strip_prompt: Callable[[str], str]) -> str:
    """Return what of a text that came before an echo belongs to the answer before: no messages, no prompt, and not the
    beginning of an echo that was drawn again."""
    left = strip_prompt(SYSLOG.sub("", text)).strip("\r\n")
    return "" if line.startswith(left.strip()) else left
