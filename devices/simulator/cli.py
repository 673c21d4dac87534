"""What every simulated command line shares: a line comes in, a reply goes out, some questions expect an answer.

Which there are: `clis`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devices.simulator.state import Device, DeviceSpec


@dataclass(slots=True)
class Reply:
    """What the device prints.

    `ask` is a question printed in place of the prompt; `answer` handles what is typed then.
    """

    text: str = ""
    ask: str = ""
    answer: Callable[[str], Reply] | None = None
    hidden: bool = False
    bye: bool = False
    reboot: float = 0.0


class Cli:
    """Base of the platforms' command lines. A subclass gives `prompt`, `banner` and `execute`.

    `platform` is the key of the platform that it plays, `prefix` begins its devices' names, `tag` is their asset tag in
    the demo world. A line that begins with `comment` does nothing. Those with a `turn` take turns where a fleet is
    generated; the others are asked for by name.
    """

    platform: str
    prefix: str
    tag: str
    comment = ""
    turn = True
    page = 24

    def __init__(self, device: Device) -> None:
        self.device = device
        self.paging = True

    @staticmethod
    def configuration(spec: DeviceSpec) -> list[str]:
        """The lines of the configuration that a device begins with."""
        return []

    def banner(self) -> str:
        """What is printed after login, before the first prompt."""
        return ""

    def prompt(self) -> str:
        """The prompt of the present mode."""
        raise NotImplementedError

    def mode(self) -> str:
        """The mode's name for the command log."""
        raise NotImplementedError

    def execute(self, line: str) -> Reply:
        """Do what the line says."""
        raise NotImplementedError

    def command(self, line: str, given: str) -> tuple[str, int]:
        """Run a command on a channel of its own, with its input; return what it prints and its exit status."""
        return self.invalid(line), 127

    def invalid(self, line: str) -> str:
        """The platform's words for a line it does not know."""
        raise NotImplementedError

    def more(self) -> str:
        """The pager's mark."""
        return " --More-- "

    def closed(self) -> None:
        """The session ended; drop what was not committed."""


def expand(line: str, table: dict[str, tuple[str, ...]]) -> str:
    """Spell out abbreviated command words (`conf t` → `configure terminal`) along a table of known commands."""
    words = line.split()
    for command, parts in table.items():
        if len(parts) <= len(words) and all(
            p.startswith(w.lower()) and len(w) > 1 or p == w for p, w in zip(parts, words, strict=False)
        ):
            return " ".join([command, *words[len(parts) :]])
    return " ".join(words)
