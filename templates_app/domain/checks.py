"""Judge what a device answered: pass, warn or fail, with the text that decided it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

#: So much of a device's answer is looked at, and so much of each of its lines.
MOST_ANSWER_CHARACTERS = 262_144
MOST_LINE_CHARACTERS = 300


class Verdict(StrEnum):
    """What a check found."""

    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    FAIL = "fail"


def judge(checks: Sequence[tuple[str, str]], answer: str) -> tuple[Verdict, str]:
    """Return the verdict on an answer, and its deciding line. `checks` are (verdict, pattern of a line).

    Failing patterns are looked for first, then warning ones, then passing ones; where there are passing ones and none
    is found, the check has failed.
    """
    lines = [line.strip()[:MOST_LINE_CHARACTERS] for line in answer[:MOST_ANSWER_CHARACTERS].splitlines()]
    for wanted in (Verdict.FAIL, Verdict.WARN, Verdict.PASS):
        for verdict, pattern in checks:
            found = next((line for line in lines if verdict == wanted and re.search(pattern, line)), None)
            if found is not None:
                return wanted, found
    if any(verdict == Verdict.PASS for verdict, _ in checks):
        said = next((line for line in lines if line), "nothing")
        return Verdict.FAIL, f"The expected text did not come; the device said: {said}"
    return Verdict.PASS, ""
