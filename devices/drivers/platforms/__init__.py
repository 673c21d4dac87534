"""The platforms by key: one line each. A new one is its data file beside this one, and its line here.

What people choose from and read of platforms is derived from them. Pure data: domains import this too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import attrgetter

from config.one_line import flaw
from config.registry import by_key
from devices.drivers.platform import Platform
from devices.drivers.platforms.arista_eos import ARISTA_EOS
from devices.drivers.platforms.cisco_ios import CISCO_IOS
from devices.drivers.platforms.juniper_junos import JUNIPER_JUNOS
from devices.drivers.platforms.linux import LINUX
from devices.drivers.platforms.manners import mannered
from devices.drivers.platforms.netmiko import NETMIKO
from devices.drivers.platforms.windows import WINDOWS

#: In the order in which people see those that the product drives itself.
PLATFORMS: dict[str, Platform] = by_key(
    "platform",
    (
        CISCO_IOS,
        ARISTA_EOS,
        JUNIPER_JUNOS,
        LINUX,
        WINDOWS,
        *map(mannered, NETMIKO),
    ),
    attrgetter("key"),
)


def label(key: str) -> str:
    """Return the name of a platform for people; an unknown key stands for itself."""
    return PLATFORMS[key].label if key in PLATFORMS else key


def is_own(key: str) -> bool:
    """Say whether the product drives this platform itself; an unknown key is nobody's."""
    return key in PLATFORMS and not PLATFORMS[key].netmiko


def only_reads(key: str, line: str) -> bool:
    """Say whether a line, exactly as it is sent, is known to only read; of an unknown platform nothing is known."""
    return key in PLATFORMS and PLATFORMS[key].is_read(line)


def lines_sent(key: str, lines: Sequence[str]) -> list[str]:
    """Return the lines without the empty ones, which do nothing, but for those of a text that a device reads."""
    end, found = "", []
    for line in lines:
        if line.strip() or end:
            found.append(line)
        if end:
            end = "" if re.search(end, line) else end
        elif key in PLATFORMS:
            end = PLATFORMS[key].input_end(line)
    return found


def line_flaw(key: str, text: str) -> str:
    """Say why a text is not one line for a platform, as what follows its name in a sentence; empty if it is."""
    return PLATFORMS[key].flaw(text) if key in PLATFORMS else flaw(text)


def is_only_by_name(key: str) -> bool:
    """Say whether commands for "any platform" do not mean this one; an unknown key is meant by them."""
    return key in PLATFORMS and PLATFORMS[key].only_by_name


def script_families() -> dict[str, tuple[str, ...]]:
    """Return the words for platforms in OpsRamp's script library, and the keys that each stands for."""
    words = {row.script_family for row in PLATFORMS.values() if row.script_family}
    return {word: tuple(key for key, row in PLATFORMS.items() if row.script_family == word) for word in sorted(words)}


def interpreters(language: str) -> dict[str, str]:
    """Return by platform the command that reads a script of this language from its standard input."""
    return {key: row.interpreters[language] for key, row in PLATFORMS.items() if language in row.interpreters}


def own_choices() -> list[tuple[str, str]]:
    """Return (key, name) of those that the product drives itself."""
    return [(row.key, row.label) for row in PLATFORMS.values() if not row.netmiko]


def netmiko_choices() -> list[tuple[str, str]]:
    """Return (key, name) of those that Netmiko logs in to, by name."""
    return sorted(((row.key, row.label) for row in PLATFORMS.values() if row.netmiko), key=lambda row: row[::-1])


def choices() -> list[tuple[str, str]]:
    """Return (key, name): our own first, then the others by name."""
    return [*own_choices(), *netmiko_choices()]
