"""Configurations as people compare them: without what changes by itself, without secrets, as one column or as two.

Pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CONTEXT = 3
HIDDEN = "***"
#: What stands before a secret in the configurations of common platforms, and the secret itself (the last group).
SECRETS = re.compile(
    r"""^(?P<before>.*?\b(?:
        (?:password|secret)(?:\s+(?:sha512|sha256|encrypted|level\s+\d+))?(?:\s+[0-9]{1,2})?
      | snmp-server\s+community | set\s+snmp\s+community | community
      | (?:key|key-string|pre-shared-key|authentication-key|md5|auth-key)
        (?:\s+(?:ascii-text|hexadecimal))?(?:\s+[0-9]{1,2})?
      | encrypted-password | (?:tacacs|radius)-server\s+key(?:\s+[0-9])?
    ))\s+(?P<secret>"[^"]+"|\S+)(?P<after>.*)$""",
    re.VERBOSE | re.IGNORECASE,
)
#: Such words are settings, not secrets.
PLAIN = frozenset(
    {"chain", "encryption", "strength", "minimum", "recovery", "config-key", "generate", "rsa", "ssh", "local", "none"}
)


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
    return "\n".join(_masked(line) for line in text.split("\n"))


def _masked(line: str) -> str:
    found = SECRETS.match(line)
    if not found or found["secret"].lower() in PLAIN:
        return line
    return f"{found['before']} {HIDDEN}{found['after']}"


def settled(text: str, volatile: Iterable[re.Pattern[str]]) -> list[str]:
    """Return the lines of a configuration without those that change by themselves."""
    return [line.text for line in shown_lines(text, text, volatile)]


def as_lines(texts: Iterable[str]) -> list[Line]:
    """Return lines that are shown as they are, of what is no configuration."""
    return [Line(line, line) for text in texts for line in text.splitlines()]


def shown_lines(text: str, hidden: str, volatile: Iterable[re.Pattern[str]] = ()) -> list[Line]:
    """Return the lines of a configuration without those that change by themselves; `hidden` is the text with secrets
    hidden, line for line."""
    patterns = tuple(volatile)
    pairs = zip(text.split("\n"), hidden.split("\n"), strict=True)
    lines = [Line(line.rstrip("\r"), shown) for line, shown in pairs]
    if lines and not lines[-1].text:
        lines.pop()
    return [line for line in lines if not any(pattern.search(line.text) for pattern in patterns)]


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
    for group in _groups(before, after, quick=True):
        (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
        rows += [] if rows else [("del", "--- before"), ("add", "+++ after")]
        rows.append(("hunk", f"@@ -{_range(a, b)} +{_range(c, d)} @@"))
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
    for group in _groups(before, after, quick=False):
        if rows:
            rows.append(Pair("gap", None, None))
        for tag, a, b, c, d in group:
            rows += _rows(tag, before, after, (a, b, c, d))
    return rows


def _groups(before: list[Line], after: list[Line], *, quick: bool) -> list[list[tuple[str, int, int, int, int]]]:
    """Return what differs, with a few equal lines around it: (tag, from, to, from, to) as of `SequenceMatcher`.

    `quick` looks at lines that stand everywhere last.
    """
    old, new = ([line.text for line in lines] for lines in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=quick)
    return [list(group) for group in matcher.get_grouped_opcodes(CONTEXT)]


def _range(start: int, stop: int) -> str:
    """Return lines as the head of a hunk names them: the first and how many."""
    length = stop - start
    return f"{start + (length > 0)},{length}" if length != 1 else f"{start + 1}"


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
