"""OpsRamp's schedules: reading one, and changing it into ours and back."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

from jobs.domain.opsramp.reader import Reader
from jobs.domain.schedule_json import ScheduleJson

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
WEEKS = ("First", "Second", "Third", "Fourth", "Last")
TYPES = ("daily", "weekly", "monthly", "never", "run once")
FREQUENCIES = ("everyday", "every weekday", "recurrence")
MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?\s*(Z|[+-]\d{2}:?\d{2})")
#: Zones that have had these offsets from UTC (minutes) all year, since zones with whole hours are named by them.
ODD_ZONES = {
    -570: "Pacific/Marquesas",
    210: "Asia/Tehran",
    270: "Asia/Kabul",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    525: "Australia/Eucla",
    570: "Australia/Darwin",
}


class Pattern(TypedDict, total=False):
    """A pattern in canonical form; lists are joined by commas."""

    type: str
    frequency: str
    repeatFrequency: int
    repeatType: str
    weekDays: str
    dayOfMonth: str
    weekIndex: str
    dayOfWeek: str


def read_schedule(read: Reader, given: object, optional: bool) -> tuple[datetime | None, Pattern]:
    """Return when it starts (an aware minute) and its pattern in canonical form; `optional` where both may be
    missing."""
    if given is None and optional:
        return None, {"type": "never"}
    schedule = read.mapping(given if given is not None else {}, "schedule", ("startDate", "pattern"))
    start = None
    if schedule.get("startDate") is not None or not optional:
        start = _moment(read, schedule.get("startDate"))
    if "pattern" not in schedule and optional:
        return start, {"type": "never"}
    return start, _pattern(read, schedule.get("pattern"))


def _moment(read: Reader, given: object) -> datetime | None:
    found = MOMENT.fullmatch(given.strip()) if isinstance(given, str) else None
    path = "schedule.startDate"
    if not found:
        read.wrong(path, "Give yyyy-MM-ddTHH:mm:ss with an offset, for example 2016-04-14T10:10:10+0000.")
        return None
    try:
        moment = datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00"))
    except ValueError:
        read.wrong(path, "There is no such date or time.")
        return None
    if zone_of(moment) is None:
        read.wrong(path, "This offset belongs to no time zone without clock changes; give the time in UTC, with +0000.")
        return None
    if not 1990 <= moment.year <= 2200:
        read.wrong(path, "Give a year from 1990 to 2200.")
        return None
    return moment.replace(second=0, microsecond=0)


def _pattern(read: Reader, given: object) -> Pattern:
    path = "schedule.pattern"
    keys = (
        "type",
        "frequency",
        "repeatFrequency",
        "repeatType",
        "weekDays",
        "dayOfMonth",
        "weekIndex",
        "dayOfWeek",
        "dayOfIndex",
    )
    pattern = read.mapping(given if given is not None else {}, path, keys)
    kind = read.choice(pattern.get("type"), f"{path}.type", TYPES)
    uses = {
        "daily": ("frequency", "repeatType", "repeatFrequency"),
        "weekly": ("weekDays", "frequency"),
        "monthly": ("dayOfMonth", "weekIndex", "dayOfWeek", "dayOfIndex"),
    }.get(kind, ())
    for key in pattern:
        if kind and key in keys and key not in ("type", *uses):
            read.wrong(f"{path}.{key}", f"Does not belong to the pattern '{kind}'.")
    found: Pattern = {"type": kind}
    if kind == "daily":
        found |= _daily(read, pattern, path)
    elif kind == "weekly":
        found["weekDays"] = _week_days(read, pattern, path)
    elif kind == "monthly":
        found |= _monthly(read, pattern, path)
    return found


def _daily(read: Reader, pattern: dict[str, object], path: str) -> Pattern:
    frequency = read.choice(pattern.get("frequency"), f"{path}.frequency", FREQUENCIES)
    if frequency != "recurrence":
        for key in ("repeatType", "repeatFrequency"):
            if key in pattern and frequency:
                read.wrong(f"{path}.{key}", "Belongs to frequency 'recurrence'.")
        return {"frequency": frequency}
    every = read.integer(pattern.get("repeatFrequency"), f"{path}.repeatFrequency", 1, 366)
    return {
        "frequency": frequency,
        "repeatFrequency": every,
        "repeatType": read.choice(pattern.get("repeatType"), f"{path}.repeatType", ("days",)),
    }


def _week_days(read: Reader, pattern: dict[str, object], path: str) -> str:
    key = "weekDays" if "weekDays" in pattern or "frequency" not in pattern else "frequency"
    if key == "weekDays" and "frequency" in pattern:
        read.wrong(f"{path}.frequency", "A weekly pattern has weekDays only.")
    chosen = {read.choice(day, f"{path}.{key}", DAYS) for day in read.several(pattern.get(key), f"{path}.{key}")}
    return ", ".join(day for day in DAYS if day in chosen)


def _monthly(read: Reader, pattern: dict[str, object], path: str) -> Pattern:
    by_week = [key for key in ("weekIndex", "dayOfWeek", "dayOfIndex") if key in pattern]
    if "dayOfMonth" in pattern:
        if by_week:
            read.wrong(f"{path}.{by_week[0]}", "Give either dayOfMonth, or weekIndex with dayOfWeek.")
        days = {
            read.integer(day, f"{path}.dayOfMonth", 1, 31)
            for day in read.several(pattern["dayOfMonth"], f"{path}.dayOfMonth")
        }
        return {"dayOfMonth": ", ".join(str(day) for day in sorted(days))}
    if not by_week:
        read.wrong(f"{path}.dayOfMonth", "Give dayOfMonth (1 to 31), or weekIndex with dayOfWeek.")
        return {}
    week = read.choice(pattern.get("weekIndex"), f"{path}.weekIndex", WEEKS)
    spelled = [
        read.choice(pattern[key], f"{path}.{key}", DAYS) for key in ("dayOfWeek", "dayOfIndex") if key in pattern
    ]
    if len(spelled) == 2:
        read.same(spelled[0], spelled[1], f"{path}.dayOfWeek {path}.dayOfIndex")
    if not spelled:
        read.wrong(f"{path}.dayOfWeek", f"Allowed values: {', '.join(DAYS)}.")
    return {"weekIndex": week, "dayOfWeek": spelled[0] if spelled else ""}


def zone_of(moment: datetime) -> str | None:
    """Return the zone that has this aware time's offset all year; None when there is none."""
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    if minutes == 0:
        return "UTC"
    if minutes % 60 == 0 and -12 * 60 <= minutes <= 14 * 60:
        return f"Etc/GMT{-minutes // 60:+d}"
    return ODD_ZONES.get(minutes)


def rule_of(pattern: Pattern, start: datetime) -> ScheduleJson:
    """Return the schedule (`jobs.domain.schedule_json`) that a pattern means from its start."""
    found: ScheduleJson = {"time_zone": zone_of(start) or "UTC", "start_at": start.replace(tzinfo=None).isoformat()}
    kind = pattern["type"]
    if kind in ("never", "run once"):
        return {"kind": "once", **found}
    if kind == "daily":
        weekdays = pattern["frequency"] == "every weekday"
        return {
            "kind": "daily",
            **found,
            "every": pattern.get("repeatFrequency", 1),
            "anchor": "weekdays" if weekdays else "start",
        }
    if kind == "weekly":
        return {
            "kind": "weekly",
            **found,
            "weekdays": [day.strip().lower() for day in pattern["weekDays"].split(",")],
            "every": 1,
        }
    months = list(range(1, 13))
    if "dayOfMonth" in pattern:
        return {
            "kind": "monthly",
            **found,
            "days": [int(day) for day in pattern["dayOfMonth"].split(",")],
            "months": months,
        }
    return {
        "kind": "monthly",
        **found,
        "week": pattern["weekIndex"].lower(),
        "weekday": pattern["dayOfWeek"].lower(),
        "months": months,
    }


def pattern_of(rule: ScheduleJson) -> Pattern | None:
    """Return the pattern that says a stored schedule; None where OpsRamp has no words for it."""
    kind = rule.get("kind")
    if kind == "once":
        return {"type": "run once"}
    if kind == "daily":
        anchor, every = rule.get("anchor", "start"), rule.get("every", 1)
        if anchor == "weekdays":
            return {"type": "daily", "frequency": "every weekday"}
        if anchor != "start":
            return None
        if every == 1:
            return {"type": "daily", "frequency": "everyday"}
        return {"type": "daily", "frequency": "recurrence", "repeatFrequency": every, "repeatType": "days"}
    if kind == "weekly" and rule.get("every", 1) == 1:
        return {"type": "weekly", "weekDays": ", ".join(day for day in DAYS if day.lower() in rule["weekdays"])}
    if kind == "monthly" and len(rule.get("months", range(12))) == 12:
        return _monthly_pattern(rule)
    return None


def _monthly_pattern(rule: ScheduleJson) -> Pattern | None:
    week, weekday = rule.get("week"), rule.get("weekday")
    if week and weekday:
        return {"type": "monthly", "weekIndex": week.title(), "dayOfWeek": weekday.title()}
    if "last" not in rule.get("days", ()):
        return {"type": "monthly", "dayOfMonth": ", ".join(str(day) for day in rule["days"])}
    return None


def moment_text(moment: datetime) -> str:
    """Return an aware time as OpsRamp writes it: 2016-04-14T10:10:00+0000."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


def start_of(rule: ScheduleJson) -> datetime:
    """Return when a stored schedule starts, aware."""
    return datetime.fromisoformat(rule["start_at"]).replace(tzinfo=ZoneInfo(rule["time_zone"]))
