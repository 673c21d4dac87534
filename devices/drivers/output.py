"""What sessions share: how long to wait, and how much to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: So much of one command's output (bytes) is read.
MAX_OUTPUT = 16 * 1024 * 1024
Progress = Callable[[str], None]
#: (a text in the waiting line, what is sent then).
Answers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait, in seconds: for a command's prompt, for the first prompt after login; and how long a network
    may keep back a lost packet (RFC 6298, as Linux does it)."""

    command: float = 30.0
    login: float = 20.0
    quiet: float = 0.25
