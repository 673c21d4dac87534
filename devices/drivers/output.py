"""What sessions share: how long to wait, how much to read, and how bytes become text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_=>]|[\x00\x07]")
#: So much of one command's output (bytes) is read.
MAX_OUTPUT = 16 * 1024 * 1024
Progress = Callable[[str], None]
#: (a text in the waiting line, what is sent then).
Answers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait, in seconds: for a command's prompt, and for the first prompt after login."""

    command: float = 30.0
    login: float = 20.0


def decode(data: bytes) -> str:
    """Return the bytes as text: UTF-8 where it is, a replacement mark where not, without terminal control sequences."""
    text = data.decode("utf-8", "replace")
    # To look for the signs first is a hundred times quicker than to look for the sequences, and most answers have none.
    return ANSI.sub("", text) if b"\x1b" in data or b"\0" in data or b"\a" in data else text


def lines(text: str) -> str:
    """Return the text with each line's end, whichever it is, as one newline."""
    # Three times as quick as to replace the two signs and then the one.
    return io.IncrementalNewlineDecoder(None, True).decode(text, True)
