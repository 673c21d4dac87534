"""How an ending is told, the same to all who are told: on pages, by the API, in notifications and exports.

A success of which there is something to remark on is one with a warning: that is its status together with its text,
the message of a device run or the reason of a run. A step that only reads a configuration as evidence does not fail a
device: what it could not do is told as "Not read". Pure.
"""

from __future__ import annotations

from jobs.domain.plan import SNAPSHOT
from jobs.domain.states import COLOURS, LABELS, RunStatus

WITH_WARNING = "Succeeded, with a warning"
NOT_READ = "Not read"
#: The word by which lists are narrowed to successes with a warning; it is no status.
WARNING = "warning"
#: What the checks of a step found: colour and word.
VERDICTS = {"pass": ("ok", "Pass"), "warn": ("warn", "Warning"), "fail": ("fail", "Fail")}
#: A message has so many characters; the transcript has all that a device said.
MOST_MESSAGE = 600
#: So many characters of what a device said are taken into a message that is cut later, when secrets are hidden in it.
MOST_QUOTED = 4_000
CUT = " … (the transcript has all of it)"
#: The last sentences of a message say what that means and what to do: so many characters of them stay.
MOST_END = 220


def has_warning(status: str, text: str) -> bool:
    """Say whether an ending is a success with a warning; `text` is the message or reason that belongs to it."""
    return status == RunStatus.SUCCEEDED and bool(text)


def label(status: str, text: str = "") -> str:
    """Return the words for an ending."""
    return WITH_WARNING if has_warning(status, text) else LABELS[RunStatus(status)]


def colour(status: str, text: str = "") -> str:
    """Return the theme's colour of an ending."""
    return "warn" if has_warning(status, text) else COLOURS[RunStatus(status)]


def is_unread(kind: str, status: str) -> bool:
    """Say whether a step is a configuration that was to be read as evidence, and was not."""
    return kind == SNAPSHOT and status == RunStatus.FAILED


def of_step(kind: str, status: str, verdict: str) -> tuple[str, str]:
    """Return a step's colour and word: what its checks found, else how it ended."""
    if is_unread(kind, status):
        return "warn", NOT_READ
    return VERDICTS.get(verdict, (COLOURS[RunStatus(status)], LABELS[RunStatus(status)]))


def quoted(text: str) -> str:
    """Return what a device said as it is taken into a sentence: as one line, and no more than can be told."""
    line = " / ".join(row.strip() for row in text[: 4 * MOST_QUOTED].splitlines() if row.strip(" ^"))
    return line if len(line) <= MOST_QUOTED else _begin(line, MOST_QUOTED)


def bounded(text: str) -> str:
    """Return a message with the middle left out where it is far longer than is told, so that hiding secrets in it costs
    little; it is cut between words, and what is told lies far from the cut."""
    if len(text) <= 4 * MOST_QUOTED:
        return text
    end = text[-MOST_QUOTED:]
    return f"{_begin(text, 2 * MOST_QUOTED)} … {end.partition(' ')[2] or end}"


def capped(text: str) -> str:
    """Return a message that is not longer than is told: cut at a word, its last sentences kept.

    Secrets are hidden in it before: half of one says something too.
    """
    if len(text) <= MOST_MESSAGE:
        return text
    end = _last_sentences(text)
    return _begin(text, MOST_MESSAGE - len(CUT) - len(end)) + CUT + end


def _begin(text: str, most: int) -> str:
    begun = text[:most]
    return (begun.rpartition(" ")[0] or begun).rstrip() if text[most : most + 1].strip() else begun.rstrip()


def _last_sentences(text: str) -> str:
    """Return the whole sentences at the end that have their place there, a space before them; empty without any."""
    _, stop, found = text[-MOST_END:].partition(". ")
    return f". {found}" if stop and found else ""
