"""When a trigger fires: rules as values, one function that owns the clock changes, one public door `upcoming`.

A rule gives wall-clock times of its zone; `instant_of` turns each into an instant: a time that the clock skips becomes
the first valid minute after the gap, a time that comes twice is its first. Cron has Debian cron's meaning, its clock
changes included (cronsim). Every counts real time from its start. No Django, no clock of our own.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKS = ("first", "second", "third", "fourth", "last")
ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
#: No rule is searched further than this; the calendar repeats itself after 28 years, leap-day weekdays after 40.
HORIZON = timedelta(days=366 * 41)


class Anchor(StrEnum):
    """From where "every n days" is counted (X-11), or that it means Monday to Friday."""

    START = "start"
    MONTH_START = "month_start"
    WEEKDAYS = "weekdays"


class ImpossibleRule(ValueError):
    """The rule can never fire, or makes no sense; `field` names what to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Once:
    """At the start, and never again."""


@dataclass(frozen=True, slots=True)
class Every:
    """Each `interval` of real time from the start."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class Daily:
    """Every `every` days at the start's time of day."""

    every: int = 1
    anchor: Anchor = Anchor.START


@dataclass(frozen=True, slots=True)
class Weekly:
    """On these weekdays (0 = Monday) of every `every`-th week, counted from the week of the start."""

    weekdays: frozenset[int]
    every: int = 1


@dataclass(frozen=True, slots=True)
class Monthly:
    """On days of the month (`last` for the last one) or on one weekday of a week, in the given months (1–12)."""

    days: frozenset[int] = frozenset()
    last_day: bool = False
    week: int | None = None  # 0–3, or -1 for the last
    weekday: int | None = None
    months: frozenset[int] = frozenset(range(1, 13))


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields with Debian cron's meaning, or @daily and its kin."""

    expression: str


Rule = Once | Every | Daily | Weekly | Monthly | Cron


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule in its zone. `start_at` and `end_at` are wall-clock times of the zone (naive); the end is included."""

    rule: Rule
    zone: ZoneInfo
    start_at: datetime
    end_at: datetime | None = None
    max_count: int | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One firing: the instant (UTC), the same moment in the zone, and what is to be said about it."""

    at: datetime
    local: datetime
    note: str = ""


def upcoming(schedule: Schedule, after: datetime) -> Iterator[Occurrence]:
    """Yield the occurrences of a checked schedule strictly later than `after` (aware), in order, each instant once."""
    count, last, most = 0, None, schedule.max_count
    end = instant_of(schedule.end_at, schedule.zone)[0] if schedule.end_at else None
    if most and isinstance(schedule.rule, Every):
        # Arithmetic tells the last one; for the other rules only counting from the first does.
        final = instant_of(schedule.start_at, schedule.zone)[0] + schedule.rule.interval * (most - 1)
        end, most = min(end, final) if end else final, None
    for found in _all(schedule, None if most else after):
        if last is not None and found.at <= last:
            continue
        last = found.at
        count += 1
        if end is not None and found.at > end:
            return
        if most and count > most:
            return
        if found.at > after:
            yield found


def instant_of(wall: datetime, zone: ZoneInfo) -> tuple[datetime, str]:
    """Return the instant (UTC) of a wall-clock time and a note where the clock makes it special."""
    aware = wall.replace(tzinfo=zone)
    instant = aware.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != wall:
        return _after_gap(wall, zone)
    if aware.utcoffset() != aware.replace(fold=1).utcoffset():
        return instant, f"{wall:%H:%M} comes twice on {_day(wall)}: runs the first time"
    return instant, ""


def check(schedule: Schedule) -> None:
    """Raise ImpossibleRule when the schedule can never fire."""
    if schedule.end_at and schedule.end_at < schedule.start_at:
        raise ImpossibleRule("end_at", "The end lies before the start.")
    if schedule.max_count is not None and schedule.max_count < 1:
        raise ImpossibleRule("max_count", "Give a count of at least 1, or none.")
    _check_rule(schedule.rule)


def _check_rule(rule: Rule) -> None:
    if isinstance(rule, Every) and rule.interval < timedelta(minutes=1):
        raise ImpossibleRule("interval", "The interval must be at least one minute.")
    if isinstance(rule, Daily | Weekly) and rule.every < 1:
        raise ImpossibleRule("every", "Give a number of at least 1.")
    if isinstance(rule, Daily) and rule.anchor is Anchor.MONTH_START and rule.every > 31:
        raise ImpossibleRule(
            "every", "A month has no more than 31 days; give a smaller number or count from the start."
        )
    if isinstance(rule, Weekly) and not rule.weekdays:
        raise ImpossibleRule("weekdays", "Choose at least one weekday.")
    if isinstance(rule, Monthly):
        _check_monthly(rule)
    if isinstance(rule, Cron):
        check_cron(rule.expression)


def describe(schedule: Schedule) -> str:
    """Say the rule in words, zone and limits included."""
    words = f"{DESCRIPTIONS[type(schedule.rule)](schedule.rule, schedule.start_at)}, {schedule.zone.key}"
    if schedule.end_at:
        words += f", until {schedule.end_at:%Y-%m-%d %H:%M}"
    if schedule.max_count:
        words += f", {schedule.max_count} times at most"
    return words


def _all(schedule: Schedule, since: datetime | None) -> Iterator[Occurrence]:
    """Yield all occurrences from the start on; those before `since` may be left out (with a margin for clock
    changes)."""
    rule, zone, start = schedule.rule, schedule.zone, schedule.start_at
    if isinstance(rule, Every):
        yield from _every(rule, zone, start, since)
        return
    if isinstance(rule, Cron):
        yield from _cron(rule, zone, start, since)
        return
    first = start.date()
    if since is not None and not isinstance(rule, Once):
        first = max(first, since.astimezone(zone).date() - timedelta(days=2))
    skipped = ""
    for day, note in _days(rule, start.date(), first):
        skipped = note or skipped
        if day is None:
            continue
        instant, said = instant_of(datetime.combine(day, start.time()), zone)
        yield Occurrence(instant, instant.astimezone(zone), said or skipped)
        skipped = ""


def _days(rule: Rule, start: date, first: date) -> Iterator[tuple[date | None, str]]:
    """Yield (date, "") for each day of the rule from `first` on, and (None, note) where a month lacks a day."""
    if isinstance(rule, Once):
        yield start, ""
    elif isinstance(rule, Monthly):
        yield from _months(rule, start, first)
    else:
        day, end = max(start, first), max(start, first) + HORIZON
        while day < end:
            if _is_day(rule, start, day):
                yield day, ""
            day += timedelta(days=1)


def _is_day(rule: Rule, start: date, day: date) -> bool:
    if isinstance(rule, Weekly):
        weeks = (day - timedelta(days=day.weekday()) - (start - timedelta(days=start.weekday()))).days // 7
        return day.weekday() in rule.weekdays and weeks % rule.every == 0
    assert isinstance(rule, Daily)
    if rule.anchor is Anchor.WEEKDAYS:
        return day.weekday() < 5
    if rule.anchor is Anchor.MONTH_START:
        return (day.day - 1) % rule.every == 0
    return (day - start).days % rule.every == 0


def _months(rule: Monthly, start: date, first: date) -> Iterator[tuple[date | None, str]]:
    lower = max(start, first)
    year, month = lower.year, lower.month
    for _ in range(12 * 41):
        if month in rule.months:
            length = calendar.monthrange(year, month)[1]
            lacking = [day for day in sorted(rule.days) if day > length]
            for day in _month_days(rule, year, month, length):
                if day >= lower:
                    yield day, ""
            if lacking and not (rule.last_day and lacking == [length + 1]):
                missing = ", ".join(map(str, lacking))
                yield None, f"{calendar.month_name[month]} {year} has no day {missing}: skipped"
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _month_days(rule: Monthly, year: int, month: int, length: int) -> list[date]:
    if rule.week is not None and rule.weekday is not None:
        first = 1 + (rule.weekday - date(year, month, 1).weekday()) % 7
        day = first + 7 * rule.week if rule.week >= 0 else first + 7 * ((length - first) // 7)
        return [date(year, month, day)]
    days = {day for day in rule.days if day <= length} | ({length} if rule.last_day else set())
    return [date(year, month, day) for day in sorted(days)]


def _every(rule: Every, zone: ZoneInfo, start: datetime, since: datetime | None) -> Iterator[Occurrence]:
    instant, note = instant_of(start, zone)
    if since is not None and since > instant:
        instant, note = instant + rule.interval * ((since - instant) // rule.interval), ""
    while instant.year < 9000:
        yield Occurrence(instant, instant.astimezone(zone), note)
        instant, note = instant + rule.interval, ""


def _cron(rule: Cron, zone: ZoneInfo, start: datetime, since: datetime | None) -> Iterator[Occurrence]:
    begin = instant_of(start, zone)[0] - timedelta(seconds=1)
    if since is not None:
        begin = max(begin, since - timedelta(minutes=1))
    for local in CronSim(_fields(rule.expression), begin.astimezone(zone)):
        instant = local.astimezone(UTC)
        if instant > begin:
            yield Occurrence(instant, local)


def _after_gap(wall: datetime, zone: ZoneInfo) -> tuple[datetime, str]:
    """Return the first valid minute after the gap in which `wall` lies: both offsets around it bound the search."""
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    low, high = min(early, late) - timedelta(minutes=1), max(early, late) + timedelta(minutes=1)
    before = low.astimezone(zone).utcoffset()
    # The offset changes once between the two; the change is found to the second by halving.
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    instant = high.replace(microsecond=0)
    local = instant.astimezone(zone)
    return instant, f"{wall:%H:%M} does not exist on {_day(wall)}: runs {local:%H:%M}"


def _check_monthly(rule: Monthly) -> None:
    if not rule.months or not rule.months <= set(range(1, 13)):
        raise ImpossibleRule("months", "Choose at least one month, 1 to 12.")
    if (rule.week is None) != (rule.weekday is None):
        raise ImpossibleRule("week", "A week needs a weekday, and a weekday its week.")
    if rule.week is not None:
        if rule.days or rule.last_day:
            raise ImpossibleRule("days", "Give days of the month or a weekday of a week, not both.")
        return
    if not rule.days and not rule.last_day:
        raise ImpossibleRule("days", "Choose at least one day of the month.")
    if any(not 1 <= day <= 31 for day in rule.days):
        raise ImpossibleRule("days", "Days of the month are 1 to 31.")
    longest = max(calendar.monthrange(2024, month)[1] for month in rule.months)
    if not rule.last_day and min(rule.days) > longest:
        names = ", ".join(calendar.month_name[month] for month in sorted(rule.months))
        raise ImpossibleRule("days", f"{names} never has a day {min(rule.days)}.")


def check_cron(expression: str) -> None:
    """Raise ImpossibleRule (field `expression`) when the expression is not valid or never matches."""
    try:
        found = next(CronSim(_fields(expression), datetime(2024, 1, 1, tzinfo=UTC)), None)
    except CronSimError as error:
        raise ImpossibleRule("expression", f"The cron expression is not valid: {error}.") from None
    if found is None:
        raise ImpossibleRule("expression", "The cron expression never matches a date.")


def cron_matches(expression: str, wall: datetime) -> bool:
    """Say whether the minute of a wall-clock time (naive) is one that the expression names."""
    minute = wall.replace(second=0, microsecond=0)
    return next(CronSim(_fields(expression), minute - timedelta(minutes=1)), None) == minute


def _fields(expression: str) -> str:
    text = " ".join(expression.split())
    if text.startswith("@"):
        if text.lower() not in ALIASES:
            raise ImpossibleRule("expression", f"'{text}' is not known; use one of {', '.join(ALIASES)}.")
        return ALIASES[text.lower()]
    if len(text.split()) != 5:
        raise ImpossibleRule("expression", "Give five fields: minute, hour, day of month, month, day of week.")
    return text


def _describe_daily(rule: Daily, start: datetime) -> str:
    if rule.anchor is Anchor.WEEKDAYS:
        return f"Monday to Friday at {start:%H:%M}"
    if rule.every == 1:
        return f"Every day at {start:%H:%M}"
    counted = " counted from the 1st of each month" if rule.anchor is Anchor.MONTH_START else ""
    return f"Every {rule.every} days{counted} at {start:%H:%M}"


def _describe_weekly(rule: Weekly, start: datetime) -> str:
    days = ", ".join(WEEKDAYS[day].title() for day in sorted(rule.weekdays))
    every = f", every {rule.every} weeks" if rule.every > 1 else ""
    return f"{days} at {start:%H:%M}{every}"


def _describe_monthly(rule: Monthly, start: datetime) -> str:
    names = ", ".join(calendar.month_name[month] for month in sorted(rule.months))
    months = "" if len(rule.months) == 12 else f" in {names}"
    if rule.week is not None and rule.weekday is not None:
        days = f"The {WEEKS[rule.week]} {WEEKDAYS[rule.weekday].title()}"
    else:
        days = f"Day {', '.join([*map(str, sorted(rule.days)), *['the last'] * rule.last_day])}"
    return f"{days} of the month{months} at {start:%H:%M}"


#: How each kind of rule is said in words; the zone and the limits are said after it.
# Any: each takes the rule of the kind that is its key.
DESCRIPTIONS: dict[type[Rule], Callable[[Any, datetime], str]] = {
    Once: lambda rule, start: f"Once on {start:%Y-%m-%d} at {start:%H:%M}",
    Every: lambda rule, start: f"Every {_length(rule.interval)} from {start:%Y-%m-%d %H:%M}",
    Daily: _describe_daily,
    Weekly: _describe_weekly,
    Monthly: _describe_monthly,
    Cron: lambda rule, start: f"Cron {rule.expression}",
}


def _length(interval: timedelta) -> str:
    minutes = int(interval.total_seconds() // 60)
    for size, word in ((1440, "day"), (60, "hour")):
        if minutes % size == 0:
            return f"{minutes // size} {word}{'s' if minutes // size > 1 else ''}"
    return f"{minutes} minute{'s' if minutes > 1 else ''}"


def _day(wall: datetime) -> str:
    return f"{wall.day} {calendar.month_name[wall.month]} {wall.year}"
