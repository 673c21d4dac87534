"""Read holidays from a calendar file (ICS) or a list (CSV: date, name) into rules of a schedule filter. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import icalendar

from jobs.domain.recurrence import ImpossibleRule

MOST_FILE_BYTES = 1_000_000
#: Single days and longer spans, each counted once.
MOST_ENTRIES = 5_000
GERMAN_DATE = re.compile(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})$")


@dataclass(frozen=True, slots=True)
class Holiday:
    """The days from `first` to `last`, both included; `yearly` ones come again every year."""

    first: date
    last: date
    yearly: bool = False


def read_holidays(data: bytes) -> list[dict[str, object]]:
    """Return excluding rules for the days of a file; ImpossibleRule (field `holidays`) says what cannot be read."""
    if len(data) > MOST_FILE_BYTES:
        raise _problem("The file is larger than 1 MB; give a calendar of holidays only.")
    text = data.decode("utf-8-sig", "replace")
    holidays = list(_events(text) if "BEGIN:VCALENDAR" in text[:2000].upper() else _lines(text))
    if not holidays:
        raise _problem("The file holds no date.")
    spans = {(holiday.first, holiday.last) for holiday in holidays if not holiday.yearly}
    if len(spans) > MOST_ENTRIES:
        raise _problem(f"The file holds more than {MOST_ENTRIES} entries.")
    yearly = {f"{day:%m-%d}" for holiday in holidays if holiday.yearly for day in _days(holiday)}
    return _rules(sorted(spans), sorted(yearly))


def _rules(spans: list[tuple[date, date]], yearly: list[str]) -> list[dict[str, object]]:
    """Return one rule for all single days, one for each longer span (first and last day), one for all yearly days."""
    dates = [first.isoformat() for first, last in spans if first == last]
    ranges = [[first.isoformat(), last.isoformat()] for first, last in spans if first != last]
    conditions = [("dates", dates), *(("range", span) for span in ranges), ("yearly", yearly)]
    return [{"mode": "exclude", name: values} for name, values in conditions if values]


def _events(text: str) -> Iterator[Holiday]:
    """Yield the days of each event; an end of a whole-day event is not included in it."""
    try:
        # Any: what an event holds depends on the names of its properties.
        events: Any = icalendar.Calendar.from_ical(text).walk("VEVENT")
    except ValueError as error:
        raise _problem(f"This is not a calendar that can be read: {str(error)[:120]}.") from None
    for event in events:
        name = str(event.get("SUMMARY", "without a name"))[:60]
        if "DTSTART" not in event:
            raise _problem(f"The event '{name}' has no start.")
        start = event["DTSTART"].dt
        end = event["DTEND"].dt if "DTEND" in event else start + event["DURATION"].dt if "DURATION" in event else start
        first = _day(start)
        last = _day(end - timedelta(days=1)) if not isinstance(end, datetime) and end > start else _day(end)
        rule = {key.upper(): value for key, value in event.get("RRULE", {}).items()}
        if rule and (
            rule.get("FREQ") != ["YEARLY"]
            or set(rule) - {"FREQ", "INTERVAL", "WKST"}
            or rule.get("INTERVAL", [1]) != [1]
        ):
            raise _problem(f"The event '{name}' repeats in a way that a filter cannot hold; give its dates one by one.")
        yield Holiday(first, max(first, last), yearly=bool(rule))


def _lines(text: str) -> Iterator[Holiday]:
    """Yield the day of each line; the first line may be a heading."""
    dialect = ";" if text.count(";") > text.count(",") else ","
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=dialect), 1):
        given = row[0].strip() if row else ""
        if not given:
            continue
        german = GERMAN_DATE.match(given)
        try:
            day = date(int(german[3]), int(german[2]), int(german[1])) if german else date.fromisoformat(given)
        except ValueError:
            if number == 1 and not any(char.isdigit() for char in given):
                continue
            raise _problem(f"Line {number}: '{given[:40]}' is no date such as 2027-12-24 or 24.12.2027.") from None
        yield Holiday(day, day)


def _days(holiday: Holiday) -> Iterator[date]:
    for n in range(min((holiday.last - holiday.first).days, 366) + 1):
        yield holiday.first + timedelta(days=n)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _problem(sentence: str) -> ImpossibleRule:
    return ImpossibleRule("holidays", sentence)
