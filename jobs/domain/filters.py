"""Schedule filters: timings that match are removed from a trigger (N-10). Values and one predicate, pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TypedDict
from zoneinfo import ZoneInfo

from config.limits import MOST_DATES, MOST_FILTER_RULES
from devices.domain.zones import IS_ZONE
from jobs.domain.recurrence import WEEKDAYS, ImpossibleRule, check_cron, cron_matches

CLOCK = re.compile(r"^([01][0-9]|2[0-3]):([0-5][0-9])$")


class RuleJson(TypedDict, total=False):
    """A rule as it is stored: `mode` is exclude or only; dates, yearly dates, ranges and clocks are texts."""

    mode: str
    dates: list[str]
    yearly: list[str]
    range: list[str]
    weekdays: list[str]
    window: list[str]
    cron: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRule:
    """One rule: dates, yearly dates (month, day), a date range, weekdays, a time window or a cron expression.

    `only` keeps what matches.
    """

    dates: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()
    first: date | None = None
    last: date | None = None
    weekdays: frozenset[int] = frozenset()
    since: time | None = None
    until: time | None = None
    cron: str = ""
    only: bool = False

    def matches(self, wall: datetime) -> bool:
        """Say whether a wall-clock time falls under the rule.

        A window may go over midnight; its end is not included.
        """
        if self.cron:
            return cron_matches(self.cron, wall)
        if self.dates or self.yearly:
            return wall.date() in self.dates or (wall.month, wall.day) in self.yearly
        if self.first and self.last:
            return self.first <= wall.date() <= self.last
        if self.weekdays and wall.weekday() not in self.weekdays:
            return False
        if self.since is None or self.until is None:
            return bool(self.weekdays)
        clock = wall.time()
        if self.since <= self.until:
            return self.since <= clock < self.until
        return clock >= self.since or clock < self.until


@dataclass(frozen=True, slots=True)
class Filter:
    """A named filter with rules in a zone of its own."""

    name: str
    zone: ZoneInfo
    rules: tuple[FilterRule, ...]

    def removes(self, at: datetime) -> bool:
        """Say whether an instant (aware) is removed: an excluding rule matches, or no "only within" rule does."""
        wall = at.astimezone(self.zone).replace(tzinfo=None)
        if any(rule.matches(wall) for rule in self.rules if not rule.only):
            return True
        keeping = [rule for rule in self.rules if rule.only]
        return bool(keeping) and not any(rule.matches(wall) for rule in keeping)


def filter_from(data: Mapping[str, object]) -> Filter:
    """Read `{"name", "time_zone", "rules": [{"mode": "exclude|only", one of "dates", "yearly", "range", "cron", or
    "weekdays" with or without "window"}]}`."""
    zone = data.get("time_zone", "UTC")
    if not isinstance(zone, str) or zone not in IS_ZONE:
        raise ImpossibleRule("time_zone", "Give an IANA time zone, for example Europe/Berlin.")
    rules = data.get("rules")
    if not isinstance(rules, Sequence) or isinstance(rules, str) or not rules:
        raise ImpossibleRule("rules", "Give at least one rule.")
    return Filter(str(data.get("name", "inline")), ZoneInfo(zone), tuple(_rule(rule) for rule in rules))


def check_filter(data: Mapping[str, object]) -> None:
    """Raise ImpossibleRule where a filter that somebody gives says what is not read, or more than one condition a rule.

    What is stored is read by `filter_from` alone.
    """
    unknown = sorted(set(data) - {"name", "time_zone", "rules"})
    if unknown:
        raise ImpossibleRule(unknown[0], "A filter has no such field; known are: name, time_zone, rules.")
    if not isinstance(data.get("name", ""), str):
        raise ImpossibleRule("name", "Give a text.")
    filter_from(data)
    rules = data["rules"]
    assert isinstance(rules, Sequence)
    if len(rules) > MOST_FILTER_RULES:
        raise ImpossibleRule("rules", f"A filter has at most {MOST_FILTER_RULES} rules.")
    for number, rule in enumerate(rules):
        _check_names(f"rules.{number}", rule)


def _check_names(path: str, rule: Mapping[str, object]) -> None:
    """Refuse what a rule says beside its one condition, and lists that are too long."""
    known = next(({name} for name in CONDITIONS if name in rule), {"weekdays", "window"})
    for name in sorted(set(rule) - known - {"mode"}):
        words = "does not go with the rule's condition; write a rule of its own"
        said = words if name in (*CONDITIONS, "weekdays", "window") else "is no part of a rule"
        raise ImpossibleRule(f"{path}.{name}", f"'{name[:40]}' {said}.")
    for name in known & set(rule):
        values = rule[name]
        if not isinstance(values, str if name == "cron" else list | tuple):
            raise ImpossibleRule(f"{path}.{name}", "Give a text." if name == "cron" else "Give a list of texts.")
        if len(values) > MOST_DATES:
            raise ImpossibleRule(f"{path}.{name}", f"Give at most {MOST_DATES}.")


def _rule(data: object) -> FilterRule:
    if not isinstance(data, Mapping) or data.get("mode", "exclude") not in ("exclude", "only"):
        raise ImpossibleRule("rules", "Each rule has a mode, exclude or only, and one condition.")
    condition = next((name for name in CONDITIONS if name in data), None)
    try:
        rule = CONDITIONS[condition](data[condition]) if condition else _weekly(data)
    except ImpossibleRule as error:
        raise ImpossibleRule("rules", str(error)) from None
    except (TypeError, ValueError):
        raise ImpossibleRule("rules", "Dates are 2027-12-24, yearly dates 12-24, windows ['22:00', '06:00'].") from None
    return replace(rule, only=data.get("mode") == "only")


def _dates(given: object) -> FilterRule:
    return FilterRule(dates=frozenset(date.fromisoformat(text) for text in _texts(given)))


def _yearly(given: object) -> FilterRule:
    return FilterRule(yearly=frozenset(_month_day(text) for text in _texts(given)))


def _range(given: object) -> FilterRule:
    first, last = (date.fromisoformat(text) for text in _texts(given))
    return FilterRule(first=first, last=last)


def _cron(given: object) -> FilterRule:
    check_cron(str(given))
    return FilterRule(cron=str(given))


#: How a condition that stands alone is read, by its name in a rule.
CONDITIONS: dict[str, Callable[[object], FilterRule]] = {
    "dates": _dates,
    "yearly": _yearly,
    "range": _range,
    "cron": _cron,
}


def _weekly(data: Mapping[str, object]) -> FilterRule:
    """Read weekdays, a window, or both, which are one condition together."""
    weekdays = frozenset(WEEKDAYS.index(day) for day in _texts(data.get("weekdays", ())))
    since, until = (_clock(text) for text in _texts(data["window"])) if "window" in data else (None, None)
    if not weekdays and since is None:
        raise ImpossibleRule("rules", "Each rule needs dates, yearly, range, weekdays, window or cron.")
    return FilterRule(weekdays=weekdays, since=since, until=until)


def _texts(given: object) -> list[str]:
    """Return the texts of a list; TypeError where it holds something else."""
    values = list(given) if isinstance(given, Iterable) else [given]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise TypeError(given)
    return texts


def _month_day(text: str) -> tuple[int, int]:
    found = date.fromisoformat(f"2024-{text}")
    return found.month, found.day


def _clock(text: str) -> time:
    found = CLOCK.match(text)
    if not found:
        raise ValueError(text)
    return time(int(found[1]), int(found[2]))
