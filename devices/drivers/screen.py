"""What a terminal would show of what a device sent: text without control sequences, overwritten and wiped-out signs.

Most answers hold none of that, and finding that out costs a look for four bytes; only the others are drawn, line by
line. Movements between lines are not followed: command lines do not use them.
"""

from __future__ import annotations

import re

#: Control sequences that draw nothing: colours, modes, titles, the bell.
ANSI = re.compile(
    r"\x1b\[[0-9;?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-Za-z]|\x1b[@-Z\\-_=>]|[\x00\x07]"
)
#: Sequences that move within a line or change it, by their last letter: erase, right, left, to a column, delete.
MOVES = re.compile(r"\x1b\[([0-9]*)([KCDGP])")
#: What is drawn with: a movement, a single sign, a run of ordinary text.
DRAWN = re.compile(r"\x1b\[([0-9]*)([KCDGP])|([\b\r])|([^\b\r\x1b]+)|\x1b")
#: A device prints such lines whenever it likes, also behind its prompt.
SYSLOG = re.compile(r"^[*.]?.{0,60}%[A-Z0-9_]+(?:-[A-Z0-9_]+)*-[0-7]-[A-Z0-9_]+:.*$", re.MULTILINE)
#: What a pager leaves behind.
PAGED = re.compile(r"(?:--More--|---\(more[^)\n]{0,40}\)---)[ \b]*")


def decode(data: bytes) -> str:
    """Return the bytes as text: UTF-8 where it is, a replacement mark where not; movements are left, the rest of the
    terminal's control sequences is not."""
    text = data.decode("utf-8", "replace")
    # To look for the signs first is a hundred times quicker than to look for the sequences, and most answers have none.
    if b"\x1b" in data:
        return ANSI.sub(lambda found: found[0] if MOVES.fullmatch(found[0]) else "", text)
    return ANSI.sub("", text) if b"\0" in data or b"\a" in data else text


def lines(text: str) -> str:
    """Return what a terminal shows of a text, each line's end, whichever it is, as one newline."""
    text = text.replace("\r\n", "\n")
    if "\b" not in text and "\r" not in text and "\x1b" not in text:
        return text
    return "\n".join(_drawn(line) for line in re.sub(r"\r{1,4}\n", "\n", text).split("\n"))


def last_line(text: str) -> str:
    """Return the last line that a terminal shows, begun or whole."""
    return lines(text[text.rfind("\n") + 1 :])


def unpaged(text: str) -> str:
    """Return the text without the pager's marks: without what stands before one in its line, and empty lines after."""
    if "--More--" not in text and "---(more" not in text:
        return text
    kept: list[str] = []
    after_mark = False
    for line in text.split("\n"):
        marks = list(PAGED.finditer(line))
        rest = line[marks[-1].end() :] if marks else line
        if rest or not (marks or after_mark):
            kept.append(rest)
        elif not kept:
            kept.append("")
        after_mark = not rest and (bool(marks) or after_mark)
    return "\n".join([*kept, ""] if after_mark else kept)


def _drawn(line: str) -> str:
    """Draw one line as a terminal does."""
    if "\b" not in line and "\r" not in line and "\x1b" not in line:
        return line
    cells: list[str] = []
    at = 0
    for number, move, sign, text in DRAWN.findall(line):
        count = int(number or (0 if move == "K" else 1))
        if text:
            cells[at : at + len(text)] = text
            at += len(text)
        elif sign:
            at = 0 if sign == "\r" else max(0, at - 1)
        elif move == "K":
            _erase(cells, at, count)
        elif move == "P":
            del cells[at : at + count]
        elif move:
            at = {"C": at + count, "D": max(0, at - count), "G": max(0, count - 1)}[move]
            cells += " " * (min(at, 4096) - len(cells))
            at = min(at, 4096)
    wiped = "\b" in line or "\x1b" in line or " \r" in line.rstrip("\r")  # a pager's mark, overwritten with spaces
    return "".join(cells).rstrip(" ") if wiped and not line.endswith(" ") else "".join(cells)


def _erase(cells: list[str], at: int, how: int) -> None:
    """Erase from a place to the end (0), from the beginning to it (1), or all (2)."""
    if how in (0, 2):
        del cells[at:]
    if how in (1, 2):
        cells[: at + 1] = " " * min(at + 1, len(cells))
