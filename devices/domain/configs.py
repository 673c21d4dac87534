"""Configurations as people compare them: without what changes by itself, without secrets, as one column or as two.

Pure.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import Match

from devices.domain import redaction

CONTEXT = 3
#: So many pairs of equal lines are looked at, about half a second; a device can send the same line ten thousand times.
MOST_PAIRS = 5_000_000
#: (what happens, from and to of the old lines, from and to of the new lines), as `difflib` says it.
Opcode = tuple[str, int, int, int, int]
HIDDEN = redaction.HIDDEN
#: What stands in a compared line for what varies by itself.
VARIES = "\0"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a configuration, as it is and as it is shown."""

    text: str
    shown: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One row of a comparison in two columns; `kind` is "", "change", "add", "del" or "gap"; a missing side is None."""

    kind: str
    old: str | None
    new: str | None
    old_number: int | None = None
    new_number: int | None = None


def mask(text: str) -> str:
    """Return a configuration with the secrets of its lines hidden."""
    return redaction.masked(text)


def blanked(text: str, sign: str) -> str:
    """Return the same, of the same length: each character of a secret is this sign."""
    return redaction.blanked(text, sign)


def settled(text: str, volatile: Iterable[re.Pattern[str]]) -> list[str]:
    """Return the lines of a configuration as they are compared, without what changes by itself."""
    return [line.text for line in sifted(text, text, volatile)[0]]


def as_lines(texts: Iterable[str]) -> list[Line]:
    """Return lines that are shown as they are, of what is no configuration."""
    return [Line(line, line) for text in texts for line in text.splitlines()]


def sifted(text: str, hidden: str, volatile: Iterable[re.Pattern[str]] = ()) -> tuple[list[Line], list[Line]]:
    """Return the lines of a configuration as they are compared, and those that are ignored, wholly or in part.

    `hidden` is the text with secrets hidden, line for line. A pattern whose group `varies` matched leaves only that out
    of its line; one with a group `block` leaves out all up to the end of the block.
    """
    patterns = tuple(volatile)
    pairs = zip(text.split("\n"), hidden.split("\n"), strict=True)
    lines = [Line(line.rstrip("\r"), shown) for line, shown in pairs]
    if lines and not lines[-1].text:
        lines.pop()
    kept: list[Line] = []
    ignored: list[Line] = []
    block = ""
    for line in lines:
        found = next((match for pattern in patterns if (match := pattern.search(line.text))), None)
        parts = found.groupdict() if found else {}
        if found or block:
            ignored.append(line)
        if found and parts.get("varies") is not None:
            kept.append(
                Line(line.text[: found.start("varies")] + VARIES + line.text[found.end("varies") :], line.shown)
            )
        elif not found and not block:
            kept.append(line)
        block = parts.get("block") or ("" if f"END {block}" in line.text else block)
    return kept, ignored


def ignored(before: list[Line], after: list[Line]) -> list[tuple[str, str]]:
    """Return (kind, line) of the ignored lines in which two configurations differ: kind is del or add."""
    old, new = (Counter(line.text for line in lines) for lines in (before, after))
    gone, come = old - new, new - old
    return [
        (kind, f"{sign}{line.shown}")
        for kind, sign, lines, left in (("del", "-", before, gone), ("add", "+", after, come))
        for line in lines
        if _take(left, line.text)
    ]


def _take(left: Counter[str], text: str) -> bool:
    left[text] -= 1
    return left[text] >= 0


def holds(text: str, line: str) -> bool:
    """Say whether a configuration is as a configuration line wants it: the line is there, or what it removes is not.

    Sections are not looked at: a line counts wherever it stands.
    """
    have, wanted = {row.strip() for row in text.splitlines()}, line.strip()
    for word, prefix in (("no ", ""), ("delete ", "set ")):
        if wanted.startswith(word) and wanted not in have:
            gone = prefix + wanted[len(word) :]
            return not any(row == gone or row.startswith(gone + " ") for row in have)
    return wanted in have


def unsaved(before: str, after: str, startup: str, volatile: Iterable[re.Pattern[str]] = ()) -> bool:
    """Say whether a change of the running configuration is missing in the startup configuration."""
    patterns = tuple(volatile)
    old, new, kept = ({row.strip() for row in settled(text, patterns)} for text in (before, after, startup))
    return bool((new - old) - kept or (old - new) & kept)


def unified(before: list[Line], after: list[Line]) -> list[tuple[str, str]]:
    """Return (kind, line) of a comparison in one column: kind is add, del, hunk or empty.

    What is compared are the lines as they are: that secrets differ shows as a change.
    """
    rows: list[tuple[str, str]] = []
    for group in _groups(_texts(before), _texts(after)):
        (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
        rows += [] if rows else [("del", "--- before"), ("add", "+++ after")]
        rows.append(("hunk", f"@@ -{_span(a, b)} +{_span(c, d)} @@"))
        for tag, a, b, c, d in group:
            if tag == "equal":
                rows += [("", f" {line.shown}") for line in before[a:b]]
                continue
            rows += [("del", f"-{line.shown}") for line in before[a:b]]
            rows += [("add", f"+{line.shown}") for line in after[c:d]]
    return rows


def side_by_side(before: list[Line], after: list[Line]) -> list[Pair]:
    """Return the rows of a comparison in two columns, a few equal lines around each change; empty when nothing
    changed."""
    rows: list[Pair] = []
    for group in _groups(_texts(before), _texts(after)):
        if rows:
            rows.append(Pair("gap", None, None))
        for tag, a, b, c, d in group:
            rows += _rows(tag, before, after, (a, b, c, d))
    return rows


def _texts(lines: list[Line]) -> list[str]:
    """Return what is compared."""
    return [line.text for line in lines]


class _TooAlike(Exception):
    """To find which of the equal lines belong together takes too long."""


class _Matcher(difflib.SequenceMatcher[str]):
    """Matches lines, and raises _TooAlike after `MOST_PAIRS`."""

    pairs = MOST_PAIRS

    def __init__(self, old: list[str], new: list[str], autojunk: bool) -> None:
        super().__init__(None, old, new, autojunk)
        self._old = old
        self._places: Mapping[str, list[int]] = vars(self)["b2j"]

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        self.pairs -= sum(len(self._places.get(line, ())) + 1 for line in self._old[alo:ahi])
        if self.pairs < 0:
            raise _TooAlike
        return super().find_longest_match(alo, ahi, blo, bhi)


def _groups(old: list[str], new: list[str]) -> list[list[Opcode]]:
    """Return what changed, with a few equal lines around; where lines repeat too often, more coarsely."""
    if old == new:
        return []
    for autojunk in (False, True):
        try:
            return [list(group) for group in _Matcher(old, new, autojunk).get_grouped_opcodes(CONTEXT)]
        except _TooAlike:
            continue
    most = min(len(old), len(new))
    head = next((n for n in range(most) if old[n] != new[n]), most)
    tail = next((n for n in range(most - head) if old[-1 - n] != new[-1 - n]), most - head)
    before, after = max(head - CONTEXT, 0), min(CONTEXT, tail)
    a, b = len(old) - tail, len(new) - tail
    return [
        [
            ("equal", before, head, before, head),
            ("replace", head, a, head, b),
            ("equal", a, a + after, b, b + after),
        ]
    ]


def _span(first: int, end: int) -> str:
    count = end - first
    return f"{first + 1}" if count == 1 else f"{first + bool(count)},{count}"


def _rows(tag: str, before: list[Line], after: list[Line], at: tuple[int, int, int, int]) -> Iterator[Pair]:
    a, b, c, d = at
    for n in range(max(b - a, d - c)):
        old = before[a + n] if a + n < b else None
        new = after[c + n] if c + n < d else None
        kind = "" if tag == "equal" else "add" if old is None else "del" if new is None else "change"
        yield Pair(
            kind,
            None if old is None else old.shown,
            None if new is None else new.shown,
            None if old is None else a + n + 1,
            None if new is None else c + n + 1,
        )
