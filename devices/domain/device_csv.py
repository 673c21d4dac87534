"""The inventory as a CSV file: what its columns are, how a file is read and how a line is written. No database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from devices.domain.addresses import UnreadableFile, decode_file

REQUIRED = ("name", "address", "platform", "network")
OPTIONAL = (
    "credential",
    "tags",
    "connect_host",
    "connect_port",
    "jump_host",
    "console",
    "legacy_ssh",
    "protocol",
    "enabled",
)
COLUMNS = (*REQUIRED, *OPTIONAL)
#: In the column of the jump host: the device is reached directly, whatever its network says.
DIRECTLY = "none"
#: A spreadsheet takes a cell that begins so for a formula; such a cell is written with an apostrophe before it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
YES = {"yes", "true", "1", "y"}
NO = {"no", "false", "0", "n"}
MAX_LINES = 5000


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One line of a file: its number and what it gives, by column; a column that the file lacks is not there."""

    line: int
    values: dict[str, str]


def read_devices(data: bytes) -> list[DeviceLine]:
    """Return the lines of a file with a heading line; UnreadableFile when it is no such file."""
    text = decode_file(data)
    delimiter = max((",", ";", "\t"), key=text.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [(reader.line_num, [_plain(cell.strip()) for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise UnreadableFile(f"The file is not readable as CSV near line {reader.line_num}: {error}.") from None
    heading = [cell.lower().replace(" ", "_") for cell in rows[0][1]]
    unknown = sorted(set(heading) - set(COLUMNS))
    missing = [name for name in REQUIRED if name not in heading]
    if unknown or missing or len(set(heading)) != len(heading):
        raise UnreadableFile(
            f"The first line must name the columns: {', '.join(REQUIRED)}, "
            f"and any of {', '.join(COLUMNS[len(REQUIRED) :])}."
        )
    found = [DeviceLine(line, dict(zip(heading, cells, strict=False))) for line, cells in rows[1:] if any(cells)]
    if len(found) > MAX_LINES:
        raise UnreadableFile(f"The file has {len(found)} devices; give at most {MAX_LINES} at a time.")
    return found


def written(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a file line by line, the heading first."""
    for row in chain([COLUMNS], rows):
        out = io.StringIO()
        csv.writer(out).writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row])
        yield out.getvalue()


def boolean(text: str) -> bool:
    """Read yes or no; ValueError with a sentence otherwise."""
    word = text.lower()
    if word not in YES | NO:
        raise ValueError(f"'{text[:20]}' is neither yes nor no.")
    return word in YES


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
