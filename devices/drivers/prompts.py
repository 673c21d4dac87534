"""The prompts of one session: which texts at the end of what came are the device's prompt, and how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devices.drivers.platform import Platform

#: So much of a name that a mode cuts short, or shows in full again, must be the same.
KIN = 8
#: What a prompt ends with on any platform; to look at one sign first spares most texts the patterns.
ENDS = frozenset(">#$%:]~")
#: A prompt that no pattern knows, which an empty line brought twice.
ANY = re.compile(r"^(?P<base>[^\r\n]{0,120}?)[>#$%]\s{0,2}$")


@dataclass(frozen=True, slots=True)
class Found:
    """A prompt that begins at a place of the last line. Where it is not `sure`, text may still follow it."""

    at: int
    sure: bool


class Prompts:
    """What is known of a device's prompts. It begins with nothing but the platform's pattern."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._modes = re.compile(f"(?:{platform.modes})$")
        self._bases: list[str] = []
        self._loose: re.Pattern[str] | None = None

    @property
    def base(self) -> str:
        """The fixed part of the prompt that was learned last, for example the host name."""
        return self._bases[-1] if self._bases else ""

    def learn(self, last: str, *, any_text: bool = False) -> bool:
        """Take the fixed part of a prompt; False where it is none. `any_text`: it need not look like one."""
        found = self._platform.prompt.match(last.lstrip("<[*~!") if self._loose else last)
        found = found or (ANY.match(last) if any_text else None)
        if not found:
            return False
        base = found["base"]
        if self._loose:
            self.know(re.split(r"[(\[]", base)[0])
            return True
        self._bases = [known for known in self._bases if known != base][-3:] + [base]
        if self._platform.status and self._platform.status.match(last):
            self._bases = [base]  # the shell shows its status from now on: its former prompt is text like any other
        return True

    def know(self, name: str) -> None:
        """From now on a prompt is what has this name in it; what stands before and after it tells the mode."""
        self._bases = [name]
        self._loose = re.compile(rf"^[^\w\r\n]{{0,4}}{re.escape(name)}[^\r\n]{{0,80}}[>#$%\]:~]\s{{0,2}}$")

    @property
    def is_given(self) -> bool:
        """Say whether the name was given and not learned."""
        return self._loose is not None

    def find(self, last: str, *, renamed: bool = False) -> Found | None:
        """Return the prompt at the end of a last line. `renamed`: the line sent may bring one with another name."""
        if last.rstrip()[-1:] not in ENDS:
            return None
        if self._loose:
            found = self._loose.search(last) or (renamed and self._platform.prompt.match(last))
            return Found(0, sure=True) if found else None
        for base in self._bases:
            if last.startswith(base) and self._modes.match(last, len(base)):
                return Found(0, sure=True)
        named = self._platform.prompt.match(last)
        if named and (renamed or not self._bases or self._is_kin(named["base"])):
            return Found(0, sure=renamed)
        return self._glued(last)

    def within(self, last: str, *, renamed: bool = False) -> str:
        """Return the prompt alone, without an answer that it is glued to; the whole line where none is found."""
        found = self.find(last, renamed=renamed)
        return last[found.at :] if found else last

    def _is_kin(self, name: str) -> bool:
        """Say whether a name is a known one, cut short or in full."""
        return any(
            min(len(name), len(base)) >= KIN and (name.startswith(base) or base.startswith(name))
            for base in self._bases
        )

    def _glued(self, last: str) -> Found | None:
        """Return a prompt behind an answer that has no line end."""
        for base in self._bases:
            at = last.rfind(base) if base else -1
            if at > 0 and self._modes.match(last, at + len(base)):
                return Found(at, sure=False)
        return None
