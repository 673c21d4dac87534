"""Netmiko's device types as platforms: Netmiko knows how to log in and to prepare a session, this says the rest.

What they share is coarse: a line is rejected when its answer has one of the common words for that, and a prompt is what
begins with the name that Netmiko found and stays the last line for a moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from devices.domain.platforms import OWN, PLATFORMS
from devices.drivers.platform import Platform
from devices.drivers.platforms.netmiko_lines import LINES

#: Any line that may be a prompt; the session replaces it by one with the device's own name.
PROMPT = re.compile(r"^(?P<base>\S[^\r\n]{0,120}?)[>#$%\]:]\s{0,2}$")
FAILURE = re.compile(
    r"^\s*%?\s*(invalid|incomplete|ambiguous|unknown|unrecogni[sz]ed|unrecognized|bad|wrong|illegal|error|unsupported)\b"
    r"|^\s*%.*(denied|not allowed|failed|fail\b)|^(syntax error|command (fail|reject|not found|authorization failed|parse error))"
    r"|^\s*\^\s*$|command not found|permission denied|^error[:\s]|^\s*minor:|^parse error",
    re.IGNORECASE,
)
READS = ("show", "display", "get", "info", "ping", "traceroute", "dir")
PAGER = re.compile(r"(--\s?More\s?--|---- More ----|<--- More --->|\(more[^)]*\))\s*$", re.IGNORECASE)


def _platforms() -> Iterator[Platform]:
    lines = {}
    for row in LINES.splitlines():
        key, enter, leave, save, running = (cell.strip() for cell in row.split("|", 4))
        lines[key] = (enter, leave, save, running)
    for key in PLATFORMS.keys() - OWN.keys():
        enter, leave, save, running = lines.get(key, ("", "", "", ""))
        yield Platform(
            key=key,
            prompt=PROMPT,
            modes=r"",
            config_enter=(enter,) if enter else (),
            config_leave=tuple(line.strip() for line in leave.split(";") if line.strip()),
            save=(save,) if save else (),
            show_running=running,
            failure=FAILURE,
            pager=PAGER,
            renames=re.compile(r"^\s*(hostname|sysname|set system host-name|system name)\s+\S+"),
            reads=READS,
            volatile=(
                re.compile(r"^! Last configuration change"),
                re.compile(r"^!Time:"),
                re.compile(r"^Current conf"),
            ),
            settles=True,
        )


OTHERS = {platform.key: platform for platform in _platforms()}
