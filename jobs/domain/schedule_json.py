"""A trigger's schedule as JSON, the one form that the API takes, the wizard makes and the database keeps.

`{"kind": "once|every|daily|weekly|monthly|cron", "time_zone": "Europe/Berlin", "start_at": "2027-03-27T02:30:00" (wall
clock of the zone), "end_at": …, "max_count": …}` and by kind: every → `"interval": "PT90M"`; daily → `"every"`,
`"anchor"`; weekly → `"weekdays"`, `"every"`; monthly → `"days"` with numbers and `"last"`, or `"week"` and `"weekday"`,
`"months"`; cron → `"expression"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

from config.limits import MOST_DATES
from devices.domain.zones import IS_ZONE
from jobs.domain.recurrence import (
    WEEKDAYS,
    WEEKS,
    Anchor,
    Cron,
    Daily,
    Every,
    ImpossibleRule,
    Monthly,
    Once,
    Rule,
    Schedule,
    Weekly,
    check,
)


class ScheduleJson(TypedDict, total=False):
    """A schedule in that form, once it was checked: `start_at` and `end_at` are wall clocks in ISO 8601."""

    kind: str
    time_zone: str
    start_at: str
    end_at: str | None
    max_count: int | None
    interval: str
    every: int
    anchor: str
    weekdays: list[str]
    days: list[int | str]
    week: str | None
    weekday: str | None
    months: list[int]
    expression: str


KINDS = ("once", "every", "daily", "weekly", "monthly", "cron")
DURATION = re.compile(r"^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?)?$")


def schedule_from(data: Mapping[str, object]) -> Schedule:
    """Return the schedule of given data; ImpossibleRule names the field that is wrong."""
    schedule = stored_schedule(data)
    check(schedule)
    return schedule


def stored_schedule(data: Mapping[str, object]) -> Schedule:
    """Return the schedule of data that was checked when it was stored."""
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ImpossibleRule("kind", f"Choose one of: {', '.join(KINDS)}.")
    unknown = set(data) - {"kind", "time_zone", "start_at", "end_at", "max_count", "name", "enabled", *FIELDS[kind]}
    if unknown:
        raise ImpossibleRule(sorted(unknown)[0], f"A trigger of kind {kind} has no such field.")
    return Schedule(
        rule=PARSERS[kind](data),
        zone=_zone(data.get("time_zone", "UTC")),
        start_at=_wall(data.get("start_at"), "start_at"),
        end_at=_wall(data["end_at"], "end_at") if data.get("end_at") else None,
        max_count=_number(data["max_count"], "max_count") if data.get("max_count") is not None else None,
    )


def _zone(name: object) -> ZoneInfo:
    if not isinstance(name, str) or name not in IS_ZONE:
        raise ImpossibleRule("time_zone", "Give an IANA time zone, for example Europe/Berlin.")
    return ZoneInfo(name)


def _wall(value: object, field: str) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise ImpossibleRule(field, "Give a date and time, for example 2027-03-27T02:30:00.")
    if found.tzinfo is not None:
        raise ImpossibleRule(field, "Give the wall clock of the time zone, without an offset.")
    if not 1990 <= found.year <= 2200:
        raise ImpossibleRule(field, "Give a year between 1990 and 2200.")
    return found.replace(microsecond=0)


def _number(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"[0-9]{1,6}", str(value)):
        raise ImpossibleRule(field, "Give a whole number.")
    return int(value)


def _list(value: object, field: str) -> list[object]:
    if not isinstance(value, list | tuple):
        raise ImpossibleRule(field, "Give a list.")
    if len(value) > MOST_DATES:
        raise ImpossibleRule(field, f"Give at most {MOST_DATES}.")
    return list(value)


def _weekday(value: object, field: str) -> int:
    if not isinstance(value, str) or value not in WEEKDAYS:
        raise ImpossibleRule(field, f"Choose from: {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(value)


def _every(data: Mapping[str, object]) -> Rule:
    found = DURATION.match(str(data.get("interval", "")))
    if not found or not any(found.groups()):
        raise ImpossibleRule("interval", "Give a duration such as PT90M, PT2H or P1D.")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    return Every(timedelta(days=days, hours=hours, minutes=minutes))


def _daily(data: Mapping[str, object]) -> Rule:
    anchor = data.get("anchor", Anchor.START)
    if not isinstance(anchor, str) or anchor not in list(Anchor):
        raise ImpossibleRule("anchor", f"Choose one of: {', '.join(Anchor)}.")
    return Daily(_number(data.get("every", 1), "every"), Anchor(anchor))


def _weekly(data: Mapping[str, object]) -> Rule:
    days = frozenset(_weekday(day, "weekdays") for day in _list(data.get("weekdays"), "weekdays"))
    return Weekly(days, _number(data.get("every", 1), "every"))


def _monthly(data: Mapping[str, object]) -> Rule:
    months = frozenset(_number(m, "months") for m in _list(data.get("months", list(range(1, 13))), "months"))
    if data.get("week") is not None or data.get("weekday") is not None:
        named = data.get("week")
        if not isinstance(named, str) or named not in WEEKS:
            raise ImpossibleRule("week", f"Choose one of: {', '.join(WEEKS)}.")
        if data.get("days"):
            raise ImpossibleRule("days", "Give days of the month or a weekday of a week, not both.")
        week = WEEKS.index(named)
        return Monthly(week=-1 if week == 4 else week, weekday=_weekday(data.get("weekday"), "weekday"), months=months)
    days = _list(data.get("days"), "days")
    numbers = frozenset(_number(day, "days") for day in days if day != "last")
    return Monthly(days=numbers, last_day="last" in days, months=months)


def _cron(data: Mapping[str, object]) -> Rule:
    expression = data.get("expression")
    if not isinstance(expression, str) or len(expression) > 200:
        raise ImpossibleRule("expression", "Give five fields: minute, hour, day of month, month, day of week.")
    return Cron(expression)


PARSERS: dict[str, Callable[[Mapping[str, object]], Rule]] = {
    "once": lambda data: Once(),
    "every": _every,
    "daily": _daily,
    "weekly": _weekly,
    "monthly": _monthly,
    "cron": _cron,
}
FIELDS: dict[str, tuple[str, ...]] = {
    "once": (),
    "every": ("interval",),
    "daily": ("every", "anchor"),
    "weekly": ("weekdays", "every"),
    "monthly": ("days", "week", "weekday", "months"),
    "cron": ("expression",),
}
