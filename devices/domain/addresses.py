"""What counts as a device address, and how a list of them in a CSV file is read."""

from __future__ import annotations

import csv
import io
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from devices.domain.endpoints import LINK_LOCAL

MAX_BYTES = 20 * 1024 * 1024
COLUMN = "IP address"
SAMPLE = f"{COLUMN},Comment\r\n192.168.1.10,core switch in Berlin\r\n192.168.1.11,\r\n2001:db8::1,IPv6 works too\r\n"


class UnreadableFile(ValueError):
    """The file as a whole cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One line of the file: its number (1 = first), the text given, the normal address or the reason it is none."""

    line: int
    given: str
    address: str = ""
    problem: str = ""


def normal_address(text: str) -> str:
    """Return the one spelling of an IP address; ValueError with a sentence when it is not one."""
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        raise ValueError(f"'{text.strip()[:60]}' is not an IP address.") from None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id:
            raise ValueError("An address with a zone (the part after %) cannot be used.")
        found = found.ipv4_mapped or found
    if found.is_link_local:
        raise ValueError(f"{found} {LINK_LOCAL}")
    return str(found)


def read_address_csv(data: bytes) -> Iterator[CsvRow]:
    """Yield one CsvRow per line that holds something; duplicates carry a problem. UnreadableFile when it is no CSV.

    Accepts UTF-8 with or without BOM and UTF-16 with BOM; comma, semicolon or tab; with or without a heading line.
    """
    text = decode_file(data)
    first = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    column, seen = 0, dict[str, int]()
    try:
        for cells in reader:
            line = reader.line_num
            given = [cell.strip() for cell in cells]
            if not any(given):
                continue
            heading = [cell.lower() for cell in given]
            if (
                not seen
                and line == 1
                and any(word in heading for word in ("ip address", "ip", "address", "ip_address"))
            ):
                column = next(
                    i for i, word in enumerate(heading) if word in ("ip address", "ip", "address", "ip_address")
                )
                continue
            yield _row(line, given[column] if column < len(given) else "", seen)
    except csv.Error as error:
        raise UnreadableFile(f"The file is not readable as CSV near line {reader.line_num}: {error}.") from None


def _row(line: int, given: str, seen: dict[str, int]) -> CsvRow:
    shown = given[:80]
    if not given:
        return CsvRow(line, "", problem="The address is missing.")
    try:
        address = normal_address(given)
    except ValueError as error:
        return CsvRow(line, shown, problem=str(error))
    if address in seen:
        return CsvRow(line, shown, address, problem=f"The same address stands in line {seen[address]}.")
    seen[address] = line
    return CsvRow(line, shown, address)


def decode_file(data: bytes) -> str:
    """Return the text of a CSV file; UnreadableFile when it is none."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile("The file is larger than 20 MB; split it.")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableFile(f"Line {line} is not {encoding.upper()} text; save the file as 'CSV UTF-8'.") from None
    if "\x00" in text:
        raise UnreadableFile("The file contains NUL characters; it is not a CSV text file.")
    if not text.strip():
        raise UnreadableFile("The file is empty.")
    return text
